// SPDX-License-Identifier: GPL-2.0
/*
 * swapshare: threads of one process use the same pages, and push them out to
 * swap under one another's hands, so that several of them fault in one page at
 * once. Proves that nobody is handed a page that is empty or out of date: a
 * swap device that forgets a page because it was read, or is read past the
 * swap cache, shows here.
 *
 * Each page has a word for each thread, which only that thread changes, always
 * by one; how far it is, the thread keeps in locked memory. The rest of the page
 * never changes. A child made while all pages are out shares their swap slots,
 * and at the end has to find all words at zero.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define MAX_THREADS	16
#define FIRST_FIXED	MAX_THREADS	/* words before it are the threads' */
#define WINDOW_PAGES	16		/* what all threads are at for a while */
#define WINDOW_VISITS	256
#define MAX_REPORTS	8

static struct {
	uint64_t pages, seed;
	unsigned int threads;
	double seconds;
	bool plant_fault;
} opt = { .seed = 1, .threads = 4, .seconds = 10 };

static char *memory;
static uint32_t *counts[MAX_THREADS];	/* by page; each is its thread's own */
static atomic_ullong visits;
static atomic_ulong pageouts, mismatches;

static uint64_t *page_words(uint64_t page)
{
	return (uint64_t *)(memory + page * TEST_BLOCK);
}

static void make_page(uint64_t *words, uint64_t page)
{
	block_fill(words, opt.seed, page + 1, 65);
	memset(words, 0, FIRST_FIXED * sizeof(*words));
}

static void report(const char *who, uint64_t page, int word, uint64_t got, uint64_t want)
{
	if (atomic_fetch_add(&mismatches, 1) < MAX_REPORTS)
		fprintf(stderr, "swapshare: MISMATCH %s page %" PRIu64 " word %d: expected %016"
			PRIx64 " found %016" PRIx64 "\n", who, page, word, want, got);
}

/* All that no thread changes. */
static void check_fixed(const char *who, uint64_t page)
{
	uint64_t want[TEST_WORDS];

	make_page(want, page);
	for (int i = FIRST_FIXED; i < TEST_WORDS; i++) {
		uint64_t got = page_words(page)[i];

		if (got != want[i]) {
			report(who, page, i, got, want[i]);
			return;
		}
	}
}

static void check_count(const char *who, unsigned int thread, uint64_t page)
{
	uint64_t got = page_words(page)[thread];

	if (got != counts[thread][page])
		report(who, page, thread, got, counts[thread][page]);
}

static void page_out(uint64_t first, uint64_t pages)
{
	if (madvise(page_words(first), pages * TEST_BLOCK, MADV_PAGEOUT))
		die_errno("madvise(MADV_PAGEOUT) failed; the kernel needs swap support");
	atomic_fetch_add(&pageouts, pages);
}

/* Where everybody is just now; moves on with the number of visits. */
static uint64_t window_start(void)
{
	uint64_t turn = atomic_fetch_add(&visits, 1) / WINDOW_VISITS;

	return mix64(opt.seed ^ turn) % (opt.pages - WINDOW_PAGES + 1);
}

static void *storm(void *arg)
{
	unsigned int thread = (uintptr_t)arg;
	double end = now_seconds() + opt.seconds;
	struct rng rng;

	rng_init(&rng, opt.seed + thread);
	while (now_seconds() < end) {
		uint64_t start = window_start();
		uint64_t page = start + rng_below(&rng, WINDOW_PAGES);

		if (rng_below(&rng, 100) < 10) {
			page_out(start, WINDOW_PAGES);
			continue;
		}
		check_count("storm", thread, page);
		if (rng_below(&rng, 8) == 0)
			check_fixed("storm", page);
		page_words(page)[thread] = ++counts[thread][page];
	}
	return NULL;
}

static void check_all(const char *who)
{
	for (uint64_t page = 0; page < opt.pages; page++) {
		for (unsigned int i = 0; i < opt.threads; i++)
			check_count(who, i, page);
		check_fixed(who, page);
	}
}

/* The child sees the pages as they were when it was made. */
static int child(int wait_fd)
{
	char c;

	for (unsigned int i = 0; i < opt.threads; i++)
		memset(counts[i], 0, opt.pages * sizeof(*counts[i]));
	if (read(wait_fd, &c, 1) < 0)
		return RC_SETUP;
	check_all("child");
	return atomic_load(&mismatches) ? RC_MISMATCH : RC_OK;
}

static void map_memory(void)
{
	size_t notes = opt.pages * sizeof(uint32_t);

	memory = mmap(NULL, opt.pages * TEST_BLOCK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die_errno("cannot map the memory; use a smaller --mib");
	madvise(memory, opt.pages * TEST_BLOCK, MADV_NOHUGEPAGE);
	for (unsigned int i = 0; i < opt.threads; i++) {
		counts[i] = mmap(NULL, notes, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (counts[i] == MAP_FAILED || mlock(counts[i], notes))
			die_errno("cannot lock the notes in memory; run as root");
	}
	for (uint64_t page = 0; page < opt.pages; page++)
		make_page(page_words(page), page);
}

static int run(void)
{
	pthread_t threads[MAX_THREADS];
	int ends[2], status;
	pid_t pid;

	map_memory();
	page_out(0, opt.pages);
	if (pipe(ends))
		die_errno("pipe");
	pid = fork();
	if (pid < 0)
		die_errno("fork");
	if (!pid) {
		close(ends[1]);
		_exit(child(ends[0]));
	}
	for (uintptr_t i = 0; i < opt.threads; i++)
		if (pthread_create(&threads[i], NULL, storm, (void *)i))
			die("cannot start thread %lu; use a smaller --threads", i);
	for (unsigned int i = 0; i < opt.threads; i++)
		pthread_join(threads[i], NULL);
	if (opt.plant_fault)
		page_words(opt.pages / 2)[0]--;
	check_all("parent");
	close(ends[1]);
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "swapshare: the child ended with status %#x\n", status);
		atomic_fetch_add(&mismatches, 1);
	}
	printf("swapshare pages=%" PRIu64 " visits=%llu pageouts=%lu mismatches=%lu\n",
	       opt.pages, atomic_load(&visits), atomic_load(&pageouts), atomic_load(&mismatches));
	return atomic_load(&mismatches) ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: swapshare --mib N [options]\n\n"
	       "Threads change, push out and check the same N MiB of anonymous memory.\n\n"
	       "  --mib N        memory to use, in MiB\n"
	       "  --threads T    threads (default 4)\n"
	       "  --seconds S    how long (default 10)\n"
	       "  --seed X       start of the random numbers (default 1)\n"
	       "  --plant-fault  damage a word before the final check: must end with status 1\n"
	       "  --help         this text\n\n"
	       "Exit status: 0 all pages right, 1 a page was wrong, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'x' },
		{ "plant-fault", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t mib = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm': mib = parse_number("mib", optarg, 1, 1 << 20); break;
		case 't': opt.threads = parse_number("threads", optarg, 1, MAX_THREADS); break;
		case 's': opt.seconds = parse_number("seconds", optarg, 0, 1 << 20); break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
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
