// SPDX-License-Identifier: GPL-2.0
/*
 * numabounce: move a process between memory nodes while it is being swapped out
 * and in, with migrate_pages(2) for all of it and move_pages(2) for pages
 * picked at random, and check that every page keeps its content. Proves that
 * pages come back right from a swap device that the same nodes' moves touch.
 *
 * A node may go offline meanwhile: a refused move is counted, not an error.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define MPOL_MF_MOVE	2
#define LIST_PAGES	64	/* of one move_pages() call, and of one page-out */

static struct {
	uint64_t pages, seed;
	unsigned int node[2];
	double seconds;
} opt = { .seed = 1, .node = { 0, 1 }, .seconds = 10 };

static char *memory;
static uint32_t *generation;
static unsigned long moved_single, whole_moves, refused, pageouts, mismatches;

static uint64_t *page_words(uint64_t page)
{
	return (uint64_t *)(memory + page * TEST_BLOCK);
}

static uint64_t page_id(uint64_t page)
{
	return ((uint64_t)generation[page] + 1) << 28 | page;
}

static void verify_page(uint64_t page)
{
	uint64_t want[TEST_WORDS];
	int word;

	block_fill(want, opt.seed, page_id(page), 65);
	word = first_difference(page_words(page), want);
	if (word >= 0 && !mismatches++)
		fprintf(stderr, "numabounce: MISMATCH page %" PRIu64 " word %d: expected %016"
			PRIx64 " found %016" PRIx64 "\n", page, word, want[word],
			page_words(page)[word]);
}

static void write_page(uint64_t page)
{
	block_fill(page_words(page), opt.seed, page_id(page), 65);
}

/* All of the process that is on one node goes to the other. */
static void move_process(unsigned int from, unsigned int to)
{
	unsigned long old = 1UL << opt.node[from], new = 1UL << opt.node[to];
	long left = syscall(SYS_migrate_pages, 0, 64UL, &old, &new);

	if (left < 0 && errno != EINVAL && errno != ENODEV && errno != EIO && errno != ENOMEM)
		die_errno("migrate_pages");
	if (left < 0)
		refused++;
	else
		whole_moves++;
}

static void move_list(uint64_t first, unsigned int to)
{
	void *address[LIST_PAGES];
	int node[LIST_PAGES], status[LIST_PAGES];

	for (int i = 0; i < LIST_PAGES; i++) {
		address[i] = page_words(first + i);
		node[i] = opt.node[to];
		status[i] = -1;
	}
	if (syscall(SYS_move_pages, 0, (unsigned long)LIST_PAGES, address, node, status,
		    MPOL_MF_MOVE) < 0) {
		refused++;
		return;
	}
	for (int i = 0; i < LIST_PAGES; i++)
		moved_single += status[i] == (int)opt.node[to];
}

static void step(struct rng *rng)
{
	uint64_t first = rng_below(rng, opt.pages - LIST_PAGES + 1);
	unsigned int dice = rng_below(rng, 1000), to = rng_below(rng, 2);

	if (dice < 5) {
		move_process(!to, to);
	} else if (dice < 105) {
		move_list(first, to);
	} else if (dice < 205) {
		if (madvise(page_words(first), LIST_PAGES * TEST_BLOCK, MADV_PAGEOUT))
			die_errno("madvise(MADV_PAGEOUT) failed; the kernel needs swap support");
		pageouts += LIST_PAGES;
	} else {
		verify_page(first);
		if (dice < 500) {
			generation[first]++;
			write_page(first);
		}
	}
}

static int run(void)
{
	double end = now_seconds() + opt.seconds;
	struct rng rng;

	rng_init(&rng, opt.seed);
	memory = mmap(NULL, opt.pages * TEST_BLOCK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	generation = calloc(opt.pages, sizeof(*generation));
	if (memory == MAP_FAILED || !generation)
		die_errno("no memory; use a smaller --mib");
	madvise(memory, opt.pages * TEST_BLOCK, MADV_NOHUGEPAGE);
	for (uint64_t page = 0; page < opt.pages; page++)
		write_page(page);
	while (now_seconds() < end)
		step(&rng);
	for (uint64_t page = 0; page < opt.pages; page++)
		verify_page(page);
	printf("numabounce whole_moves=%lu moved_single=%lu refused=%lu pageouts=%lu mismatches=%lu\n",
	       whole_moves, moved_single, refused, pageouts, mismatches);
	return mismatches ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: numabounce --mib N [options]\n\n"
	       "Move N MiB of this process to and fro between two nodes while it swaps.\n\n"
	       "  --mib N      memory to use, in MiB\n"
	       "  --from N     one node (default 0)\n"
	       "  --to N       the other (default 1)\n"
	       "  --seconds S  how long (default 10)\n"
	       "  --seed X     start of the random numbers (default 1)\n"
	       "  --help       this text\n\n"
	       "Exit status: 0 all pages right, 1 a page was wrong, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t mib = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm': mib = parse_number("mib", optarg, 1, 1 << 20); break;
		case 'f': opt.node[0] = parse_number("from", optarg, 0, 63); break;
		case 't': opt.node[1] = parse_number("to", optarg, 0, 63); break;
		case 's': opt.seconds = parse_number("seconds", optarg, 0, 1 << 20); break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
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
	return run();
}
