// SPDX-License-Identifier: GPL-2.0
/*
 * Suite zmram_parse: what may be written to algorithm_params, recomp_algorithm, recompress
 * and writeback, and what is understood of it. The parsers are those of drivers/zmram;
 * nothing is done with what they say.
 */
#include <linux/module.h>

#define zmram_params_get	parse_params_get
#define zmram_params_put	parse_params_put
#define zmram_params_forget	parse_params_forget
#define zmram_algorithm_set	parse_algorithm_set
#define zmram_wb_limit_reached	parse_wb_limit_reached
#define zmram_recompress_group	parse_recompress_group
#define zmram_writeback_group	parse_writeback_group
#define dev_attr_algorithm_params parse_attr_algorithm_params

#include "../../drivers/zmram/zmram.h"

/* Files that nobody can write to: so the compiler drops what would act on a request. */
#undef DEVICE_ATTR_WO
#define DEVICE_ATTR_WO(_name) \
	struct device_attribute dev_attr_##_name = { .store = PTR_IF(false, _name##_store) }
#undef DEVICE_ATTR_RW
#define DEVICE_ATTR_RW(_name) \
	struct device_attribute dev_attr_##_name = { .show = PTR_IF(false, _name##_show), \
						     .store = PTR_IF(false, _name##_store) }

#include "../../drivers/zmram/params.c"
#include "../../drivers/zmram/recompress.c"
#include "../../drivers/zmram/writeback.c"

#include "unit.h"

struct parse {
	struct zmram_dev dev;
	struct zmram_meta meta;
	unsigned int prio;		/* what zmram_algorithm_set() was called with */
	char name[32];
	int answer;			/* of it */
	bool limit_reached;
};

int zmram_algorithm_set(struct zmram_dev *dev, unsigned int prio, const char *name)
{
	struct parse *p = container_of(dev, struct parse, dev);

	p->prio = prio;
	strscpy(p->name, name, sizeof(p->name));
	return p->answer;
}

bool zmram_wb_limit_reached(struct zmram_dev *dev)
{
	return container_of(dev, struct parse, dev)->limit_reached;
}

static int parse_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct parse), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

/* A copy to be taken apart, with nothing behind it. */
static char *text_copy(struct kunit *test, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = kunit_kmalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, copy);
	return memcpy(copy, text, size);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* ---- algorithm_params --------------------------------------------------------- */

#define NO	ZMRAM_PARAM_UNSET

static const struct {
	const char *text;
	int ret;
	s32 prio, level, winbits;
	const char *algo, *dict;
} params_text[] = {
	{ "", 0, 0, NO, NO },
	{ " \t\n", 0, 0, NO, NO },
	{ "level=3", 0, 0, 3, NO },
	{ "level=3\n", 0, 0, 3, NO },
	{ "\n  priority=2\t level=-5 ", 0, 2, -5, NO },
	{ "algo=zstd level=1 dict=/d deflate.winbits=-15", 0, 0, 1, -15, "zstd", "/d" },
	{ "deflate.winbits=12 dict=/d algo=x priority=1", 0, 1, NO, 12, "x", "/d" },
	/* The last one counts. */
	{ "level=1 level=2", 0, 0, 2, NO },
	{ "algo=a dict=b algo=c dict=d", 0, 0, NO, NO, "c", "d" },
	/* The least number says that there is none. */
	{ "level=2147483647 deflate.winbits=-2147483648", 0, 0, S32_MAX, NO },
	{ "level=2147483648", -ERANGE },
	{ "level=-2147483649", -ERANGE },
	{ "level=18446744073709551616", -ERANGE },
	{ "deflate.winbits=2147483648", -ERANGE },
	{ "priority=-2147483649", -ERANGE },
	{ "priority=2147483647 level=+7", 0, S32_MAX, 7, NO },
	{ "priority=-1", 0, -1, NO, NO },
	{ "level=010", 0, 0, 10, NO },
	{ "level=0x10", -EINVAL },
	{ "priority=0x1", -EINVAL },
	{ "deflate.winbits=0xf", -EINVAL },
	{ "level=--3", -EINVAL },
	{ "level=3.5", -EINVAL },
	{ "level=3,priority=1", -EINVAL },
	{ "level=three", -EINVAL },
	{ "level", -EINVAL },
	{ "level=", -EINVAL },
	{ "level= 3", -EINVAL },
	{ "level==3", -EINVAL },
	{ "level =3", -EINVAL },
	{ "=3", -EINVAL },
	{ "=", -EINVAL },
	{ "3", -EINVAL },
	{ "algo=", -EINVAL },
	{ "dict= algo=a", -EINVAL },
	{ "Level=3", -EINVAL },
	{ "levels=3", -EINVAL },
	{ "leve=3", -EINVAL },
	{ "winbits=12", -EINVAL },
	{ "level=3 nonsense=1", -EINVAL },
	{ "nonsense=1 level=3", -EINVAL },
	{ "dict=\"/a b\" level=1", 0, 0, 1, NO, NULL, "/a b" },
	{ "\"dict=/a b\"", 0, 0, NO, NO, NULL, "/a b" },
	{ "dict=\"/a b", 0, 0, NO, NO, NULL, "/a b" },
	{ "dict=\"\"", -EINVAL },
	{ "dict=\"", -EINVAL },
	{ "dict=a=b", 0, 0, NO, NO, NULL, "a=b" },
};

static void params(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(params_text); i++) {
		struct zmram_params_args args = { .level = NO, .winbits = NO };
		const char *text = params_text[i].text;
		int ret = zmram_params_parse(text_copy(test, text), &args);

		KUNIT_EXPECT_EQ_MSG(test, ret, params_text[i].ret, "'%s'", text);
		if (ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, args.prio, params_text[i].prio, "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, args.level, params_text[i].level, "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, args.winbits, params_text[i].winbits, "'%s'", text);
		KUNIT_EXPECT_TRUE_MSG(test, same_text(args.algo, params_text[i].algo),
				      "'%s'", text);
		KUNIT_EXPECT_TRUE_MSG(test, same_text(args.dict, params_text[i].dict),
				      "'%s'", text);
	}
}

/* A name that an algorithm has goes before a number; it is what the device has of it. */
static void params_priority(struct kunit *test)
{
	static const struct zmram_comp_ops a = { .name = "a" }, b = { .name = "b" };
	static const struct {
		s32 prio;
		const char *algo;
		int want;
	} row[] = {
		{ 0, NULL, 0 }, { 1, NULL, 1 }, { 3, NULL, 3 }, { 4, NULL, -EINVAL },
		{ -1, NULL, -EINVAL }, { S32_MIN, NULL, -EINVAL }, { S32_MAX, NULL, -EINVAL },
		{ 0, "a", 0 }, { 3, "a", 0 }, { 0, "b", 1 }, { 99, "b", 1 }, { -1, "b", 1 },
		{ 0, "c", -EINVAL }, { 1, "", -EINVAL }, { 1, "aa", -EINVAL },
	};
	struct zmram_dev *dev = &((struct parse *)test->priv)->dev;
	unsigned int i;

	dev->algorithm[0] = &a;
	dev->algorithm[1] = &b;
	dev->algorithm[3] = &b;
	for (i = 0; i < ARRAY_SIZE(row); i++) {
		struct zmram_params_args args = { .prio = row[i].prio, .algo = row[i].algo };

		KUNIT_EXPECT_EQ_MSG(test, zmram_params_prio(dev, &args), row[i].want,
				    "priority %d, algorithm %s", row[i].prio, row[i].algo);
	}
}

/* ---- recomp_algorithm --------------------------------------------------------- */

static const struct {
	const char *text;
	int ret;
	unsigned int prio;
	const char *name;
} algorithm_text[] = {
	{ "algo=zstd", 0, 1, "zstd" },
	{ "algo=zstd priority=2\n", 0, 2, "zstd" },
	{ "  priority=3  algo=zstd ", 0, 3, "zstd" },
	{ "algo=a algo=b priority=2 priority=1", 0, 1, "b" },
	{ "algo=zstd priority=+1", 0, 1, "zstd" },
	{ "algo=zstd priority=0", -EINVAL },
	{ "algo=zstd priority=4", -EINVAL },
	{ "algo=zstd priority=-1", -EINVAL },
	{ "algo=zstd priority=0x1", -EINVAL },
	{ "algo=zstd priority=2147483648", -ERANGE },
	{ "algo=zstd priority=4294967297", -ERANGE },
	{ "algo=zstd priority=", -EINVAL },
	{ "algo=zstd priority", -EINVAL },
	{ "algo= priority=1", -EINVAL },
	{ "algo", -EINVAL },
	{ "zstd", -EINVAL },
	{ "priority=1", -EINVAL },
	{ "algo=zstd nonsense=1", -EINVAL },
	{ "algo=zstd level=1", -EINVAL },
	{ "=zstd", -EINVAL },
	{ "", -EINVAL },
	{ " \n", -EINVAL },
};

static void recomp_algorithm(struct kunit *test)
{
	struct parse *p = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(algorithm_text); i++) {
		const char *text = algorithm_text[i].text;
		int ret;

		p->name[0] = 0;
		ret = zmram_recomp_algorithm(&p->dev, text_copy(test, text));
		KUNIT_EXPECT_EQ_MSG(test, ret, algorithm_text[i].ret, "'%s'", text);
		KUNIT_EXPECT_STREQ_MSG(test, p->name, algorithm_text[i].name ?: "", "'%s'", text);
		if (!ret)
			KUNIT_EXPECT_EQ_MSG(test, p->prio, algorithm_text[i].prio, "'%s'", text);
	}
	p->answer = -EBUSY;
	KUNIT_EXPECT_EQ(test, zmram_recomp_algorithm(&p->dev, text_copy(test, "algo=a")), -EBUSY);
}

/* ---- recompress --------------------------------------------------------------- */

#define IDLE	1
#define HUGE	2
#define ALL	U64_MAX

static const struct {
	const char *text;
	int ret;
	unsigned int type, threshold, first, last;
	u64 max_pages;
	const char *algo;
} recompress_text[] = {
	{ "", 0, 0, 0, 1, 3, ALL },
	{ " \n", 0, 0, 0, 1, 3, ALL },
	{ "type=idle", 0, IDLE, 0, 1, 3, ALL },
	{ "type=huge\n", 0, HUGE, 0, 1, 3, ALL },
	{ " type=huge_idle ", 0, IDLE | HUGE, 0, 1, 3, ALL },
	{ "type=idle type=huge", 0, HUGE, 0, 1, 3, ALL },
	{ "type=huge_idle type=idle", 0, IDLE, 0, 1, 3, ALL },
	{ "threshold=1000 max_pages=5", 0, 0, 1000, 1, 3, 5 },
	{ "threshold=0 max_pages=0", 0, 0, 0, 1, 3, 0 },
	{ "threshold=1 threshold=2", 0, 0, 2, 1, 3, ALL },
	{ "max_pages=18446744073709551615", 0, 0, 0, 1, 3, ALL },
	{ "max_pages=18446744073709551616", -ERANGE },
	{ "max_pages=-1", -EINVAL },
	{ "max_pages=0x10", -EINVAL },
	{ "max_pages=", -EINVAL },
	{ "priority=0", 0, 0, 0, 1, 1, ALL },
	{ "priority=1", 0, 0, 0, 1, 1, ALL },
	{ "priority=3", 0, 0, 0, 3, 3, ALL },
	{ "priority=3 priority=2", 0, 0, 0, 2, 2, ALL },
	{ "priority=4", -EINVAL },
	{ "priority=-1", -EINVAL },
	{ "priority=0x1", -EINVAL },
	{ "priority=4294967296", -ERANGE },
	{ "algo=zstd", 0, 0, 0, 1, 3, ALL, "zstd" },
	{ "algo=zstd priority=2", 0, 0, 0, 2, 3, ALL, "zstd" },
	{ "priority=2 algo=zstd", 0, 0, 0, 2, 3, ALL, "zstd" },
	{ "algo=a algo=b", 0, 0, 0, 1, 3, ALL, "b" },
	{ "algo=", -EINVAL },
	{ "threshold=-1", -EINVAL },
	{ "threshold=0x10", -EINVAL },
	{ "threshold=4294967295", -EINVAL },
	{ "threshold=4294967296", -ERANGE },
	{ "threshold", -EINVAL },
	{ "type=", -EINVAL },
	{ "type=incompressible", -EINVAL },
	{ "type=idle,huge", -EINVAL },
	{ "idle", -EINVAL },
	{ "type=idle nonsense=1", -EINVAL },
	{ "type=idle nonsense", -EINVAL },
	{ "=idle", -EINVAL },
};

static int recompress_parse(struct kunit *test, struct zmram_recomp *rc, const char *text)
{
	*rc = (struct zmram_recomp) {
		.first_prio = 1,
		.last_prio = ZMRAM_MAX_COMPS - 1,
		.max_pages = U64_MAX,
	};
	return zmram_recomp_parse(rc, text_copy(test, text));
}

static void recompress(struct kunit *test)
{
	struct zmram_recomp rc;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(recompress_text); i++) {
		const char *text = recompress_text[i].text;
		int ret = recompress_parse(test, &rc, text);

		KUNIT_EXPECT_EQ_MSG(test, ret, recompress_text[i].ret, "'%s'", text);
		if (ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, rc.idle * IDLE + rc.huge * HUGE, recompress_text[i].type,
				    "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, rc.threshold, recompress_text[i].threshold,
				    "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, rc.first_prio, recompress_text[i].first, "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, rc.last_prio, recompress_text[i].last, "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, rc.max_pages, recompress_text[i].max_pages,
				    "'%s'", text);
		KUNIT_EXPECT_TRUE_MSG(test, same_text(rc.algorithm, recompress_text[i].algo),
				      "'%s'", text);
	}
}

/* What takes a page whatever it is made to is not worth the work. */
static void recompress_threshold(struct kunit *test)
{
	struct zmram_recomp rc;
	char text[32];

	snprintf(text, sizeof(text), "threshold=%zu", zm_huge_size() - 1);
	KUNIT_EXPECT_EQ(test, recompress_parse(test, &rc, text), 0);
	KUNIT_EXPECT_EQ(test, (size_t)rc.threshold, zm_huge_size() - 1);
	snprintf(text, sizeof(text), "threshold=%zu", zm_huge_size());
	KUNIT_EXPECT_EQ(test, recompress_parse(test, &rc, text), -EINVAL);
}

/* ---- writeback ---------------------------------------------------------------- */

#define LAST	ULONG_MAX
#define T_IDLE	ZMRAM_WB_TYPE_IDLE
#define T_HUGE	ZMRAM_WB_TYPE_HUGE
#define T_INCOMP ZMRAM_WB_TYPE_INCOMP

static const struct {
	const char *text;
	int ret;
	unsigned long type;
	unsigned int nr;
	struct zmram_wb_range range[4];
} writeback_text[] = {
	{ "idle", 0, T_IDLE },
	{ "huge\n", 0, T_HUGE },
	{ " huge_idle ", 0, T_HUGE | T_IDLE },
	{ "incompressible", 0, T_INCOMP },
	{ "type=idle", 0, T_IDLE },
	{ "type=huge_idle\n", 0, T_HUGE | T_IDLE },
	{ "\"idle\"", 0, T_IDLE },
	{ "page_index=0", 0, 0, 1, { { 0, 0 } } },
	{ "page_index=7\n", 0, 0, 1, { { 7, 7 } } },
	{ "page_index=18446744073709551615", 0, 0, 1, { { LAST, LAST } } },
	{ "page_index=010 page_index=+3", 0, 0, 2, { { 3, 3 }, { 10, 10 } } },
	{ "page_indexes=0-0", 0, 0, 1, { { 0, 0 } } },
	{ "page_indexes=5-9", 0, 0, 1, { { 5, 9 } } },
	{ "page_indexes=0-18446744073709551615", 0, 0, 1, { { 0, LAST } } },
	{ "page_index=9 page_indexes=3-4 page_index=5", 0, 0, 3,
	  { { 3, 4 }, { 5, 5 }, { 9, 9 } } },
	/* As they are: those that overlap, or are the same. */
	{ "page_indexes=4-9 page_indexes=2-6", 0, 0, 2, { { 2, 6 }, { 4, 9 } } },
	{ "page_indexes=1-9 page_index=2", 0, 0, 2, { { 1, 9 }, { 2, 2 } } },
	{ "page_index=2 page_index=2", 0, 0, 2, { { 2, 2 }, { 2, 2 } } },
	{ "", -EINVAL },
	{ " \n", -EINVAL },
	{ "nonsense", -EINVAL },
	{ "Idle", -EINVAL },
	{ "type=nonsense", -EINVAL },
	{ "type=", -EINVAL },
	{ "type", -EINVAL },
	{ "=idle", -EINVAL },
	{ "idle idle", -EINVAL },
	{ "idle huge", -EINVAL },
	{ "type=idle type=idle", -EINVAL },
	{ "idle type=huge", -EINVAL },
	{ "idle page_index=1", -EINVAL },
	{ "page_index=1 idle", -EINVAL },
	{ "page_indexes=1-2 type=huge", -EINVAL },
	{ "page_index=1 nonsense=1", -EINVAL },
	{ "page_index=1 nonsense", -EINVAL },
	{ "page_index", -EINVAL },
	{ "page_index=", -EINVAL },
	{ "page_index= 1", -EINVAL },
	{ "page_index=-1", -EINVAL },
	{ "page_index=0x1", -EINVAL },
	{ "page_index=1x", -EINVAL },
	{ "page_index=1-2", -EINVAL },
	{ "page_index=1,2", -EINVAL },
	{ "page_index=18446744073709551616", -ERANGE },
	{ "page_indexes=1", -EINVAL },
	{ "page_indexes=", -EINVAL },
	{ "page_indexes=-", -EINVAL },
	{ "page_indexes=1-", -EINVAL },
	{ "page_indexes=-1", -EINVAL },
	{ "page_indexes=1--2", -EINVAL },
	{ "page_indexes=1-2-3", -EINVAL },
	{ "page_indexes=1 - 2", -EINVAL },
	{ "page_indexes=0x1-0x2", -EINVAL },
	{ "page_indexes=2-1", -EINVAL },
	{ "page_indexes=18446744073709551615-0", -EINVAL },
	{ "page_indexes=1-18446744073709551616", -ERANGE },
	{ "page_indexes=18446744073709551616-18446744073709551617", -ERANGE },
	{ "page_indexs=1-2", -EINVAL },
};

/* Parses with as much room for ranges as there is for that text, and no more. */
static int writeback_parse(struct kunit *test, struct zmram_wb_request *request,
			   const char *text)
{
	*request = (struct zmram_wb_request) {
		.range = kunit_kcalloc(test, strlen(text) / 2 + 1, sizeof(*request->range),
				       GFP_KERNEL),
	};
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, request->range);
	return zmram_wb_parse(text_copy(test, text), request);
}

static void writeback(struct kunit *test)
{
	struct zmram_wb_request request;
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(writeback_text); i++) {
		const struct zmram_wb_range *want = writeback_text[i].range;
		const char *text = writeback_text[i].text;
		int ret = writeback_parse(test, &request, text);

		KUNIT_EXPECT_EQ_MSG(test, ret, writeback_text[i].ret, "'%s'", text);
		if (ret)
			continue;
		KUNIT_EXPECT_EQ_MSG(test, request.type, writeback_text[i].type, "'%s'", text);
		KUNIT_EXPECT_EQ_MSG(test, request.nr_ranges, writeback_text[i].nr, "'%s'", text);
		for (k = 0; k < min(request.nr_ranges, writeback_text[i].nr); k++) {
			KUNIT_EXPECT_EQ_MSG(test, request.range[k].lo, want[k].lo, "'%s'", text);
			KUNIT_EXPECT_EQ_MSG(test, request.range[k].hi, want[k].hi, "'%s'", text);
		}
	}
}

/* As many as fit into what may be written at once, in the shortest form. */
static void writeback_many(struct kunit *test)
{
	const unsigned int len = strlen("page_index=0 "), nr = (PAGE_SIZE - 1) / len;
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct zmram_wb_request request;
	unsigned int i, times[10] = { };

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	for (i = 0; i < nr; i++)
		sprintf(text + i * len, "page_index=%u ", 9 - i % 10);
	KUNIT_ASSERT_EQ(test, writeback_parse(test, &request, text), 0);
	KUNIT_ASSERT_EQ(test, request.nr_ranges, nr);
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_LT(test, request.range[i].lo, 10UL);
		KUNIT_EXPECT_EQ(test, request.range[i].lo, request.range[i].hi);
		times[request.range[i].lo]++;
		if (i)
			KUNIT_EXPECT_LE(test, request.range[i - 1].lo, request.range[i].lo);
	}
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, times[9 - i], nr / 10 + (i < nr % 10));
	/* One that is wrong, behind them all. */
	text[nr * len - 1] = 'x';
	KUNIT_EXPECT_EQ(test, writeback_parse(test, &request, text), -EINVAL);
}

/* Ranges keep their ends when they are put in order. */
static void writeback_sorted(struct kunit *test)
{
	const unsigned int nr = PAGE_SIZE / 64;
	char *text = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct zmram_wb_request request;
	unsigned int i, len = 0;
	u64 rng = 1, lo, sum = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, text);
	for (i = 0; i < nr; i++) {
		lo = zmu_random(&rng) >> 1;
		sum += lo;
		len += scnprintf(text + len, PAGE_SIZE - len, "page_indexes=%llu-%llu ", lo,
				 lo + lo % 1000);
	}
	KUNIT_ASSERT_EQ(test, writeback_parse(test, &request, text), 0);
	KUNIT_ASSERT_EQ(test, request.nr_ranges, nr);
	for (i = 0; i < nr; i++) {
		lo = request.range[i].lo;
		sum -= lo;
		KUNIT_EXPECT_EQ(test, request.range[i].hi, (unsigned long)(lo + lo % 1000));
		if (i)
			KUNIT_EXPECT_LT(test, request.range[i - 1].lo, request.range[i].lo);
	}
	KUNIT_EXPECT_EQ(test, sum, 0ULL);
}

/* A page behind the last one is not of the disk; that is said first. */
static void writeback_beyond_the_end(struct kunit *test)
{
	struct parse *p = test->priv;
	struct zmram_wb_range range[2] = { { 0, 0 }, { 99, 99 } };
	struct zmram_wb_request request = { .nr_ranges = 2, .range = range };
	static struct zmram_backing backing;

	p->meta.nr_slots = 100;
	RCU_INIT_POINTER(p->dev.meta, &p->meta);
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), -ENODEV);
	p->dev.wb.backing = &backing;
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), 0);
	range[0].hi = 100;
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), -ERANGE);
	p->limit_reached = true;
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), -ERANGE);
	range[0].hi = 99;
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), -EIO);
	range[1].hi = LAST;
	p->dev.wb.backing = NULL;
	KUNIT_EXPECT_EQ(test, zmram_wb_check(&p->dev, &request), -ERANGE);
}

static struct kunit_case parse_cases[] = {
	KUNIT_CASE(params),
	KUNIT_CASE(params_priority),
	KUNIT_CASE(recomp_algorithm),
	KUNIT_CASE(recompress),
	KUNIT_CASE(recompress_threshold),
	KUNIT_CASE(writeback),
	KUNIT_CASE(writeback_many),
	KUNIT_CASE(writeback_sorted),
	KUNIT_CASE(writeback_beyond_the_end),
	{ }
};

struct kunit_suite zmram_parse_suite = {
	.name = "zmram_parse",
	.init = parse_init,
	.test_cases = parse_cases,
};
