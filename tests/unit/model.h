/* SPDX-License-Identifier: GPL-2.0 */
/* The model of the random run; see model_test.c. */
#ifndef ZM_UNIT_MODEL_H
#define ZM_UNIT_MODEL_H

#include "unit.h"

#define MODEL_OBJECTS	1000
#define MODEL_ISOLATED	24
#define MODEL_HELD	12
#define MODEL_OPS	16

/**
 * struct zmu_isolated - a page that the VM has isolated
 * @page: the page
 * @zspage: where it was; not to be followed once it is gone
 * @gone: its zspage has been given back
 */
struct zmu_isolated {
	struct page *page;
	struct zm_zspage *zspage;
	bool gone;
};

struct zmu_model {
	struct kunit *test;
	u64 seed, rng;
	unsigned long done, audits, refused;
	unsigned long count[MODEL_OPS];
	unsigned long live;			/* objects */
	unsigned int held;
	u32 stamp;
	unsigned long limit;
	struct zm_reserve reserve;
	struct zmu_isolated vm[MODEL_ISOLATED];
	unsigned int nr_vm;
	struct page *locked;			/* a page that somebody has locked */
	struct zm_zspage *locked_zspage;
	bool locked_empty;			/* and its last object has gone since */
	u64 counter[ZM_NR_COUNTERS];		/* what the pool's have to be */
	unsigned long per_class[ZM_MAX_CLASSES + 1];
	bool failed;
};

void zmu_model_want(struct zmu_model *m, u64 got, u64 want, const char *what);
void zmu_model_check_object(struct zmu_model *m, const struct zmu_object *obj);
void zmu_model_settle(struct zmu_model *m);

void zmu_model_store(struct zmu_model *m);
void zmu_model_drop(struct zmu_model *m);
void zmu_model_read(struct zmu_model *m);
void zmu_model_isolate(struct zmu_model *m);
void zmu_model_migrate(struct zmu_model *m);
void zmu_model_putback(struct zmu_model *m);
void zmu_model_hold(struct zmu_model *m);
void zmu_model_release(struct zmu_model *m);
void zmu_model_lock_page(struct zmu_model *m);
void zmu_model_unlock_page(struct zmu_model *m);
void zmu_model_empty(struct zmu_model *m);
void zmu_model_reserve(struct zmu_model *m);
void zmu_model_limit(struct zmu_model *m);
void zmu_model_compact(struct zmu_model *m);
void zmu_model_shrink(struct zmu_model *m);

#endif /* ZM_UNIT_MODEL_H */
