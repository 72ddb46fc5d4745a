/* SPDX-License-Identifier: GPL-2.0 */
/* Kernel-version differences of shrinkers; see zm_compat.h. */
#ifndef ZM_COMPAT_SHRINKER_H
#define ZM_COMPAT_SHRINKER_H

#include <linux/shrinker.h>

typedef unsigned long (*zm_shrink_fn)(struct shrinker *shrinker,
				      struct shrink_control *sc);

#ifdef ZM_HAVE_SHRINKER_ALLOC

struct zm_compat_shrinker {
	struct shrinker *shrinker;
};

static inline void *zm_compat_shrinker_data(struct shrinker *shrinker)
{
	return shrinker->private_data;
}

static inline int zm_compat_shrinker_register(struct zm_compat_shrinker *s,
					      zm_shrink_fn count, zm_shrink_fn scan,
					      void *data, const char *name)
{
	s->shrinker = shrinker_alloc(0, "zmalloc-%s", name);
	if (!s->shrinker)
		return -ENOMEM;
	s->shrinker->count_objects = count;
	s->shrinker->scan_objects = scan;
	s->shrinker->private_data = data;
	shrinker_register(s->shrinker);
	return 0;
}

static inline void zm_compat_shrinker_free(struct zm_compat_shrinker *s)
{
	shrinker_free(s->shrinker);
}

#else

struct zm_compat_shrinker {
	struct shrinker shrinker;
	void *data;
};

static inline void *zm_compat_shrinker_data(struct shrinker *shrinker)
{
	return container_of(shrinker, struct zm_compat_shrinker, shrinker)->data;
}

static inline int zm_compat_shrinker_register(struct zm_compat_shrinker *s,
					      zm_shrink_fn count, zm_shrink_fn scan,
					      void *data, const char *name)
{
	s->shrinker.count_objects = count;
	s->shrinker.scan_objects = scan;
	s->shrinker.seeks = DEFAULT_SEEKS;
	s->data = data;
	return register_shrinker(&s->shrinker, "zmalloc-%s", name);
}

static inline void zm_compat_shrinker_free(struct zm_compat_shrinker *s)
{
	unregister_shrinker(&s->shrinker);
}

#endif

#endif /* ZM_COMPAT_SHRINKER_H */
