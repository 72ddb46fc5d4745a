/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Unit tests of zmalloc: what the suites share.
 *
 * The module under test is compiled a second time into zm_unit.ko (product.c), so
 * that suites can look at every structure and nothing of them is in the product.
 * Suites play the owner of handles, and the VM with vm.c. They expect one processor
 * and nobody else at work on the pool, so what they count is exact.
 *
 * Where to read next: fixture.c (objects with known content), vm.c (page migration as
 * mm/migrate.c does it), audit.c (is every structure of a pool consistent?), then the
 * suites: *_test.c, and model_test.c, the random run.
 */
#ifndef ZM_UNIT_H
#define ZM_UNIT_H

#include <kunit/test.h>
#include <linux/migrate_mode.h>
#include <linux/wait_bit.h>

#include "../../drivers/zmalloc/internal.h"

/**
 * struct zmu_object - a handle and what its object has to contain
 * @handle: as in any owner of handles
 * @size: bytes of payload, 0 for no object
 * @stamp: what the bytes are made from, see zmu_byte_fill()
 * @flags: the owner's flags, already at their place in the word
 * @held: a test has locked the handle
 */
struct zmu_object {
	struct zm_handle handle;
	u32 size;
	u32 stamp;
	unsigned long flags;
	bool held;
};

/**
 * struct zmu - what every test has, in test->priv
 * @pool: a pool of its own
 * @object: the objects, by number
 * @nr: how many there may be
 * @zone_pages: NR_ZSPAGES before the pool was made
 * @bounce: a page to read into
 */
struct zmu {
	struct zm_pool *pool;
	struct zmu_object *object;
	unsigned int nr;
	unsigned long zone_pages;
	void *bounce;
};

/* Four zspages of the smallest objects, if their chain were the longest there can be. */
#define ZMU_OBJECTS		(4 * 8 * PAGE_SIZE / ZM_MIN_SIZE)

/* The suites, which suites.c runs. */
extern struct kunit_suite zm_class_suite, zm_handle_suite, zm_object_suite, zm_move_suite;
extern struct kunit_suite zm_release_suite, zm_compact_suite, zm_model_suite, zm_storm_suite;
extern struct kunit_suite zmram_bio_suite, zmram_bio_512_suite, zmram_table_suite;
extern struct kunit_suite zmram_slot_suite, zmram_parse_suite;

/* product.c */
int zmu_product_init(void);
void zmu_product_exit(void);

/* fixture.c */
int zmu_init(struct kunit *test);
void zmu_exit(struct kunit *test);
const void *zmu_class_params(const void *prev, char *desc);
const struct zm_geometry *zmu_geometry(struct kunit *test);
unsigned int zmu_geometry_id(const struct zm_geometry *geo);
size_t zmu_max_size(const struct zm_geometry *geo);
size_t zmu_min_size(const struct zm_geometry *geo);
unsigned long zmu_zone_pages(void);

void zmu_byte_fill(void *buf, size_t size, u32 stamp);
bool zmu_content_right(const struct zmu_object *obj, unsigned long word, void *bounce);
int zmu_store(struct zm_pool *pool, struct zmu_object *obj, size_t size, u32 stamp,
	      struct zm_reserve *reserve);
void zmu_drop(struct zm_pool *pool, struct zmu_object *obj);
void zmu_fill_zspages(struct kunit *test, const struct zm_geometry *geo, unsigned int zspages);
void zmu_expect_content(struct kunit *test);
void zmu_hold(struct kunit *test, struct zmu_object *obj);
void zmu_release(struct zmu_object *obj);

struct zm_zspage *zmu_zspage_of(unsigned long word);
unsigned int zmu_index_of(unsigned long word);
bool zmu_touches(const struct zm_geometry *geo, unsigned int idx, unsigned int pos);

static inline struct zmu *zmu(struct kunit *test)
{
	return test->priv;
}

static inline u64 zmu_counter(struct kunit *test, enum zm_counter item)
{
	return zm_pool_counter(zmu(test)->pool, item);
}

static inline struct shrinker *zmu_shrinker(struct zm_pool *pool)
{
#ifdef ZM_HAVE_SHRINKER_ALLOC
	return pool->shrinker.shrinker;
#else
	return &pool->shrinker.shrinker;
#endif
}

/* A generator of numbers that a seed reproduces: splitmix64. */
static inline u64 zmu_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline u32 zmu_below(u64 *state, u32 limit)
{
	return (zmu_random(state) >> 32) * limit >> 32;
}

/**
 * struct zmu_witness - watches the next time that a handle is unlocked
 * @wait: in the queue of the handle
 * @obj: whose handle
 * @old: a word that would be wrong then
 * @bounce: a page to read into
 * @seen: how often it was unlocked
 * @wrong: how often the object was not there yet
 */
struct zmu_witness {
	struct wait_bit_queue_entry wait;
	struct zmu_object *obj;
	unsigned long old;
	void *bounce;
	unsigned int seen, wrong;
};

/* witness.c */
void zmu_witness_start(struct zmu_witness *w, struct zmu_object *obj, void *bounce);
void zmu_witness_stop(struct zmu_witness *w);

/* vm.c */
bool zmu_isolate(struct kunit *test, struct page *page);
int zmu_migrate_to(struct kunit *test, struct page *src, struct page *dst,
		   enum migrate_mode mode);
int zmu_migrate(struct kunit *test, struct page *src, enum migrate_mode mode);
void zmu_putback(struct kunit *test, struct page *page);
void zmu_putback_all(struct kunit *test);
void zmu_dst_init(struct page *dst);
struct page *zmu_dst_alloc(struct kunit *test);
void zmu_dst_free_pristine(struct kunit *test, struct page *dst);

/* audit.c */
struct zmu_audit {
	unsigned long pages;
	unsigned long objects;
	unsigned long isolated;
};

bool zmu_audit(struct kunit *test, struct zm_pool *pool, struct zmu_audit *sum);

#endif /* ZM_UNIT_H */
