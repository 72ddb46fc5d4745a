// SPDX-License-Identifier: GPL-2.0
/*
 * swapcheck: fill more anonymous memory than the machine has, keep rewriting
 * it and pushing it out to swap, and check that every page comes back as it
 * was last written. Proves that a swap device returns the right page with the
 * right content, also while compaction moves the pages that store it.
 *
 * A page's content follows from (seed, page number, generation); the
 * generation of each page is kept in locked memory, outside the test.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

#define HUGE_PAGES	512	/* pages of a huge page */

#define MAX_THREADS	64
#define PAGEOUT_PAGES	64	/* pages pushed out by one MADV_PAGEOUT */
#define PROGRESS_SECONDS 5
#define MAX_REPORTS	8	/* mismatches printed in full */
#define PAGE_BITS	28	/* of a block id: page number; the rest is generation */

static struct {
	uint64_t pages, held;
	unsigned int threads;
	double seconds;
	uint64_t seed;
	unsigned int compressible;
	bool plant_fault, collapse;
} opt = { .threads = 2, .seconds = 10, .seed = 1, .compressible = 65 };

static char *memory;
static uint32_t *generation;	/* of each page; touched by the page's owner only */
static atomic_ulong written, verified, pageouts, mismatches, collapsed, not_collapsed;
static const char *_Atomic phase = "fill";

struct worker {
	pthread_t thread;
	uint64_t first, last;	/* pages [first, last) belong to this thread alone */
	struct rng rng;
};

static uint64_t *page_words(uint64_t page)
{
	return (uint64_t *)(memory + page * TEST_BLOCK);
}

/* Generation 0 of every 16th page is left zero, as fresh programs leave it. */
static uint64_t page_id(uint64_t page)
{
	if (!generation[page] && page % 16 == 0)
		return 0;
	return ((uint64_t)generation[page] + 1) << PAGE_BITS | page;
}

static void write_page(uint64_t page)
{
	block_fill(page_words(page), opt.seed, page_id(page), opt.compressible);
	atomic_fetch_add(&written, 1);
}

static void report(uint64_t page, const uint64_t *got, const uint64_t *want)
{
	int word = first_difference(got, want);

	fprintf(stderr,
		"swapcheck: MISMATCH page %" PRIu64 " generation %u (%s): word %d expected %016"
		PRIx64 " found %016" PRIx64 "; %d of %d words differ; first word found %016"
		PRIx64 "\n", page, generation[page],
		kind_name(block_kind(opt.seed, page_id(page), opt.compressible)),
		word, want[word], got[word], count_differences(got, want),
		TEST_WORDS, got[0]);
}

static void verify_page(uint64_t page)
{
	uint64_t want[TEST_WORDS], got[TEST_WORDS];

	block_fill(want, opt.seed, page_id(page), opt.compressible);
	memcpy(got, page_words(page), sizeof(got));
	atomic_fetch_add(&verified, 1);
	if (first_difference(got, want) < 0)
		return;
	if (atomic_fetch_add(&mismatches, 1) < MAX_REPORTS)
		report(page, got, want);
}

static void page_out(struct worker *w)
{
	uint64_t span = w->last - w->first;
	uint64_t count = span < PAGEOUT_PAGES ? span : PAGEOUT_PAGES;
	uint64_t first = w->first + rng_below(&w->rng, span - count + 1);

	if (madvise(page_words(first), count * TEST_BLOCK, MADV_PAGEOUT))
		die_errno("madvise(MADV_PAGEOUT) failed; the kernel needs swap support");
	atomic_fetch_add(&pageouts, count);
}

/* Asks for a huge page in place of what is in RAM and what is in swap. */
static void collapse(struct worker *w)
{
	uint64_t first = (w->first + HUGE_PAGES - 1) / HUGE_PAGES;
	uint64_t last = w->last / HUGE_PAGES;
	uint64_t huge;

	if (last <= first)
		die("a thread's share has no huge page; use a larger --mib");
	huge = first + rng_below(&w->rng, last - first);
	if (!madvise(page_words(huge * HUGE_PAGES), HUGE_PAGES * TEST_BLOCK, MADV_COLLAPSE))
		atomic_fetch_add(&collapsed, 1);
	else if (errno == EAGAIN || errno == ENOMEM || errno == EBUSY || errno == EINVAL)
		atomic_fetch_add(&not_collapsed, 1);
	else
		die_errno("madvise(MADV_COLLAPSE)");
}

static void *fill(void *arg)
{
	struct worker *w = arg;

	for (uint64_t page = w->first; page < w->last; page++)
		write_page(page);
	return NULL;
}

static void *storm(void *arg)
{
	struct worker *w = arg;
	double end = now_seconds() + opt.seconds;

	while (now_seconds() < end) {
		uint64_t page = w->first + rng_below(&w->rng, w->last - w->first);
		unsigned int dice = rng_below(&w->rng, 100);

		if (opt.collapse && rng_below(&w->rng, 2000) == 0)
			collapse(w);
		if (dice < 4) {
			page_out(w);
		} else if (dice < 60) {
			verify_page(page);
			generation[page]++;
			write_page(page);
		} else {
			verify_page(page);
		}
	}
	return NULL;
}

/* Last page first: those are still in memory, so that each page swaps once. */
static void *verify_all(void *arg)
{
	struct worker *w = arg;

	for (uint64_t page = w->last; page-- > w->first; )
		verify_page(page);
	return NULL;
}

static void *progress(void *unused)
{
	(void)unused;
	for (;;) {
		sleep(PROGRESS_SECONDS);
		fprintf(stderr, "swapcheck: %s: %lu written, %lu verified, %lu pushed out, %lu mismatches\n",
			phase, atomic_load(&written), atomic_load(&verified),
			atomic_load(&pageouts), atomic_load(&mismatches));
	}
	return NULL;
}

static void run_phase(struct worker *workers, void *(*body)(void *))
{
	for (unsigned int i = 0; i < opt.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, body, &workers[i]))
			die("cannot start thread %u; use a smaller --threads", i);
	for (unsigned int i = 0; i < opt.threads; i++)
		pthread_join(workers[i].thread, NULL);
}

static void map_memory(void)
{
	size_t bytes = opt.pages * TEST_BLOCK;
	size_t notes = opt.pages * sizeof(*generation);

	memory = mmap(NULL, bytes + HUGE_PAGES * TEST_BLOCK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	generation = mmap(NULL, notes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || generation == MAP_FAILED)
		die_errno("cannot map %zu bytes; use a smaller --mib", bytes);
	if (mlock(generation, notes))
		die_errno("cannot lock the notes in memory; run as root");
	memory += -(uintptr_t)memory % (HUGE_PAGES * TEST_BLOCK);
	madvise(memory, bytes, opt.collapse ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/*
 * Makes memory short without the work of filling and pushing out all of it: huge pages
 * where there are any, and locked. They go with the process.
 */
static void hold_memory(void)
{
	char *p;

	if (!opt.held)
		return;
	p = mmap(NULL, opt.held, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		die_errno("cannot map %" PRIu64 " bytes; use a smaller --hold", opt.held);
	madvise(p, opt.held, MADV_HUGEPAGE);
	if (mlock(p, opt.held))
		die_errno("cannot lock %" PRIu64 " bytes in memory; use a smaller --hold", opt.held);
}

static void split_work(struct worker *workers)
{
	for (unsigned int i = 0; i < opt.threads; i++) {
		workers[i].first = opt.pages * i / opt.threads;
		workers[i].last = opt.pages * (i + 1) / opt.threads;
		rng_init(&workers[i].rng, opt.seed + i);
	}
}

static int run(void)
{
	static struct worker workers[MAX_THREADS];
	double start = now_seconds();
	pthread_t ticker;

	hold_memory();
	map_memory();
	split_work(workers);
	if (pthread_create(&ticker, NULL, progress, NULL))
		die("cannot start the progress thread");
	run_phase(workers, fill);
	phase = "storm";
	run_phase(workers, storm);
	if (opt.plant_fault)
		page_words(opt.pages / 2)[TEST_WORDS / 2] ^= 1;
	phase = "final check";
	run_phase(workers, verify_all);

	printf("swapcheck pages=%" PRIu64 " written=%lu verified=%lu pageouts=%lu mismatches=%lu seconds=%.1f\n",
	       opt.pages, atomic_load(&written), atomic_load(&verified),
	       atomic_load(&pageouts), atomic_load(&mismatches), now_seconds() - start);
	if (opt.collapse)
		printf("swapcheck collapsed=%lu not_collapsed=%lu\n",
		       atomic_load(&collapsed), atomic_load(&not_collapsed));
	return atomic_load(&mismatches) ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: swapcheck --mib N [options]\n\n"
	       "Fill N MiB of anonymous memory (more than RAM, less than RAM + swap), rewrite\n"
	       "and push out random pages, and verify every page.\n\n"
	       "  --mib N             memory to use, in MiB\n"
	       "  --hold N            keep N MiB more of RAM from everybody, locked (default 0)\n"
	       "  --threads T         threads, each with a range of its own (default 2)\n"
	       "  --seconds S         length of the rewriting phase (default 10)\n"
	       "  --seed X            start of the random numbers (default 1)\n"
	       "  --compressible PCT  share of pages that compress well (default 65: about 2:1)\n"
	       "  --collapse          ask for huge pages, and for ranges to become one\n"
	       "  --plant-fault       flip one bit before the final check: must end with status 1\n"
	       "  --help              this text\n\n"
	       "Exit status: 0 all pages right, 1 a page was wrong, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "hold", required_argument, NULL, 'o' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'x' },
		{ "compressible", required_argument, NULL, 'c' },
		{ "collapse", no_argument, NULL, 'l' },
		{ "plant-fault", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t mib = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm': mib = parse_number("mib", optarg, 1, 1 << 20); break;
		case 'o': opt.held = parse_number("hold", optarg, 0, 1 << 20) * MIB; break;
		case 't': opt.threads = parse_number("threads", optarg, 1, MAX_THREADS); break;
		case 's': opt.seconds = parse_number("seconds", optarg, 0, 1 << 20); break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
		case 'c': opt.compressible = parse_number("compressible", optarg, 0, 100); break;
		case 'l': opt.collapse = true; break;
		case 'f': opt.plant_fault = true; break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !mib)
		die("give --mib N and no other words; see --help");
	opt.pages = mib * MIB / TEST_BLOCK;
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	if (sysconf(_SC_PAGESIZE) != TEST_BLOCK)
		die("pages of this machine are not %d bytes", TEST_BLOCK);
	return run();
}
