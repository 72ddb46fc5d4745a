// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zm_model: a random run against a plain model. The model is what the owner of the
 * handles knows (struct zmu_object) and what the VM knows (model.vm[], the pages it has
 * isolated); from these follows what every operation has to answer, what every counter
 * has to show and what every byte has to be. The first difference ends the run.
 *
 * All of it is reproduced by the seed, which is printed: insmod zm_unit.ko seed=N ops=N
 *
 * Where to read next: model_ops.c has the operations, this file chooses them and compares.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/random.h>

#include "model.h"

static unsigned long seed;
module_param(seed, ulong, 0444);
MODULE_PARM_DESC(seed, "of the random run; 0 takes one by chance");

static unsigned long ops = 1000000;
module_param(ops, ulong, 0444);
MODULE_PARM_DESC(ops, "operations of the random run");

/* How often everything is compared, and how long a tide of more or fewer objects is. */
#define AUDIT_EVERY	2000
#define TIDE		15000

/* Chances of the operations, per 1000 at high and at low tide; the rest are reads. */
static const struct {
	const char *name;
	void (*fn)(struct zmu_model *m);
	unsigned int rising, falling;
} model_op[] = {
	{ "store",	zmu_model_store,	330, 130 },
	{ "drop",	zmu_model_drop,		 60, 240 },
	{ "isolate",	zmu_model_isolate,	140, 140 },
	{ "migrate",	zmu_model_migrate,	130, 130 },
	{ "putback",	zmu_model_putback,	 15,  15 },
	{ "hold",	zmu_model_hold,		 30,  30 },
	{ "release",	zmu_model_release,	 12,  12 },
	{ "lock page",	zmu_model_lock_page,	 10,  10 },
	{ "unlock page", zmu_model_unlock_page,	 10,  10 },
	{ "empty",	zmu_model_empty,	 10,  20 },
	{ "reserve",	zmu_model_reserve,	 10,  10 },
	{ "limit",	zmu_model_limit,	  2,   2 },
	{ "compact",	zmu_model_compact,	  2,   2 },
	{ "shrink",	zmu_model_shrink,	  2,   2 },
	{ "read",	zmu_model_read,		1000, 1000 },
};

static unsigned int model_choose(struct zmu_model *m)
{
	bool rising = m->done / TIDE % 2 == 0;
	unsigned int dice = zmu_below(&m->rng, 1000), i;

	for (i = 0; i < ARRAY_SIZE(model_op) - 1; i++) {
		unsigned int chance = rising ? model_op[i].rising : model_op[i].falling;

		if (dice < chance)
			break;
		dice -= chance;
	}
	return i;
}

/* Objects of each class, by the model. */
static void model_compare_classes(struct zmu_model *m)
{
	struct zmu *u = zmu(m->test);
	unsigned int i;

	memset(m->per_class, 0, sizeof(m->per_class));
	for (i = 0; i < MODEL_OBJECTS; i++) {
		if (u->object[i].size)
			m->per_class[zm_class_id(u->object[i].size)]++;
	}
	for (i = 1; i <= zm_nr_classes; i++)
		zmu_model_want(m, u->pool->classes[i - 1].objects, m->per_class[i],
			       "objects of a class");
}

static void model_compare_counters(struct zmu_model *m)
{
	unsigned int i;

	for (i = 0; i < ZM_NR_COUNTERS; i++)
		zmu_model_want(m, zmu_counter(m->test, i), m->counter[i], zm_counter_name(i));
}

/* Lets go what is in between, so that the books can be closed, and compares all. */
static void model_audit(struct zmu_model *m)
{
	struct zmu *u = zmu(m->test);
	unsigned int i, isolated = 0;
	struct zmu_audit sum;

	zmu_model_unlock_page(m);
	zm_unreserve(&m->reserve);
	zmu_model_settle(m);
	if (!zmu_audit(m->test, u->pool, &sum)) {
		m->failed = true;
		return;
	}
	for (i = 0; i < m->nr_vm; i++)
		isolated += !m->vm[i].gone;
	zmu_model_want(m, sum.isolated, isolated, "isolated pages");
	zmu_model_want(m, sum.objects, m->live, "objects");
	zmu_model_want(m, zmu_zone_pages() - u->zone_pages, sum.pages, "NR_ZSPAGES");
	model_compare_counters(m);
	model_compare_classes(m);
	for (i = 0; i < MODEL_OBJECTS && !m->failed; i++)
		zmu_model_check_object(m, &u->object[i]);
	m->audits++;
}

static void model_report(struct zmu_model *m)
{
	unsigned int i;

	kunit_info(m->test, "seed %llu: %lu operations, %lu audits", m->seed, m->done, m->audits);
	for (i = 0; i < ARRAY_SIZE(model_op); i++)
		kunit_info(m->test, "%s %lu", model_op[i].name, m->count[i]);
	for (i = 0; i < ZM_NR_COUNTERS; i++)
		kunit_info(m->test, "%s %llu", zm_counter_name(i), zmu_counter(m->test, i));
	kunit_info(m->test, "refused_by_limit %lu", m->refused);
}

/* A run that did not come to these has proved nothing about them. */
static void model_expect_coverage(struct zmu_model *m)
{
	unsigned int i;

	if (m->failed || ops < 100000)
		return;
	for (i = 0; i < ZM_NR_COUNTERS; i++) {
		if (i != ZM_CORRUPT)
			KUNIT_EXPECT_GT_MSG(m->test, m->counter[i], 0ULL, "no %s",
					    zm_counter_name(i));
	}
	KUNIT_EXPECT_GT(m->test, m->refused, 0UL);
}

static void model_end(struct zmu_model *m)
{
	unsigned int i;

	zmu_model_unlock_page(m);
	zm_unreserve(&m->reserve);
	zm_pool_set_limit(zmu(m->test)->pool, 0);
	for (i = 0; i < MODEL_OBJECTS; i++) {
		if (zmu(m->test)->object[i].held)
			zmu_release(&zmu(m->test)->object[i]);
	}
}

static void random_run(struct kunit *test)
{
	struct zmu_model *m = kunit_kzalloc(test, sizeof(*m), GFP_KERNEL);
	unsigned int op;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, m);
	BUILD_BUG_ON(MODEL_OBJECTS > ZMU_OBJECTS);
	m->test = test;
	m->seed = seed ?: get_random_u32();
	m->rng = m->seed;
	while (m->done < ops && !m->failed) {
		op = model_choose(m);
		m->count[op]++;
		model_op[op].fn(m);
		zmu_model_settle(m);
		if (++m->done % AUDIT_EVERY == 0)
			model_audit(m);
		if (m->failed)
			kunit_info(test, "seed %llu, operation %lu: %s", m->seed, m->done,
				   model_op[op].name);
		cond_resched();
	}
	model_report(m);
	model_expect_coverage(m);
	model_end(m);
}

static struct kunit_case zm_model_cases[] = {
	KUNIT_CASE(random_run),
	{ }
};

struct kunit_suite zm_model_suite = {
	.name = "zm_model",
	.init = zmu_init,
	.exit = zmu_exit,
	.test_cases = zm_model_cases,
};
