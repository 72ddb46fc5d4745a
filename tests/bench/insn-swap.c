// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions that swapping takes, through the memory manager and
 * the one swap device that is active; insn.h says how. One pass maps memory with
 * the content of a corpus, has it swapped out (MADV_PAGEOUT), touches each page,
 * has it swapped out again, and unmaps it while it is swapped out.
 *
 * Output: one line by operation, "operation unit pages instructions spread".
 */
#define _GNU_SOURCE
#include <getopt.h>

#include "insn.h"

#define CHUNK		MIB
#define SWAPPED		(1ULL << 62)	/* in /proc/PID/pagemap */

enum op { SWAP_OUT, SWAP_IN, SWAP_OUT_AGAIN, UNMAP, NR_OPS };

static struct tally tallies[NR_OPS] = {
	[SWAP_OUT] = { .name = "swap-out" },
	[SWAP_IN] = { .name = "swap-in" },
	[SWAP_OUT_AGAIN] = { .name = "swap-out-again" },
	[UNMAP] = { .name = "munmap-swapped" },
};

static const char *corpus_path;
static unsigned int passes = 3;
static char *corpus, *memory;
static size_t size;
static int pagemap;
static bool blind;

static void usage(FILE *to)
{
	fprintf(to,
"Usage: insn-swap [--passes N] [--blind] CORPUS\n"
"Needs exactly one active swap device with room for twice the corpus.\n"
"  --passes N        passes, the first one not counted (default 3)\n"
"  --blind           compare nothing: the device does not keep its data\n"
"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n");
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "passes", required_argument, NULL, 'p' },
		{ "blind", no_argument, NULL, 'B' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt == 'p') {
			passes = parse_number("passes", optarg, 2, 100);
			continue;
		}
		if (opt == 'B') {
			blind = true;
			continue;
		}
		usage(opt == 'h' ? stdout : stderr);
		exit(opt == 'h' ? RC_OK : RC_SETUP);
	}
	if (optind + 1 != argc) {
		usage(stderr);
		exit(RC_SETUP);
	}
	corpus_path = argv[optind];
}

static void map_copy(void)
{
	memory = map_memory(size, 0);
	if (madvise(memory, size, MADV_NOHUGEPAGE))
		die_errno("madvise");
	memcpy(memory, corpus, size);
}

/* Pages that are in swap, not in memory. */
static size_t swapped_pages(size_t at, size_t bytes)
{
	uint64_t entry[CHUNK / TEST_BLOCK];
	size_t want = bytes / TEST_BLOCK * sizeof(*entry), n = 0;
	off_t from = (uintptr_t)(memory + at) / TEST_BLOCK * sizeof(*entry);

	if (pread(pagemap, entry, want, from) != (ssize_t)want)
		die_errno("/proc/self/pagemap");
	for (size_t i = 0; i < bytes / TEST_BLOCK; i++)
		n += !!(entry[i] & SWAPPED);
	return n;
}

static void swap_out(struct tally *tally)
{
	for (size_t at = 0; at < size; at += CHUNK) {
		bool ok;

		count_begin();
		ok = !madvise(memory + at, CHUNK, MADV_PAGEOUT);
		count_end(tally);
		if (!ok)
			die_errno("madvise");
		if (swapped_pages(at, CHUNK) != CHUNK / TEST_BLOCK)
			die("%zu of %lu pages were swapped out at %zu",
			    swapped_pages(at, CHUNK), CHUNK / TEST_BLOCK, at);
	}
}

static void swap_in(struct tally *tally)
{
	for (size_t at = 0; at < size; at += CHUNK) {
		count_begin();
		for (size_t i = at; i < at + CHUNK; i += TEST_BLOCK)
			(void)*(volatile char *)(memory + i);
		count_end(tally);
		if (!blind && memcmp(memory + at, corpus + at, CHUNK)) {
			fprintf(stderr, "insn-swap: wrong data at offset %zu\n", at);
			exit(RC_MISMATCH);
		}
	}
}

static void unmap(struct tally *tally)
{
	for (size_t at = 0; at < size; at += CHUNK) {
		bool ok;

		count_begin();
		ok = !munmap(memory + at, CHUNK);
		count_end(tally);
		if (!ok)
			die_errno("munmap");
	}
}

static void one_pass(unsigned int pass)
{
	map_copy();
	swap_out(&tallies[SWAP_OUT]);
	count_pass(&tallies[SWAP_OUT], pass);
	swap_in(&tallies[SWAP_IN]);
	count_pass(&tallies[SWAP_IN], pass);
	/* A page that was only read may still have its place in swap; or no content. */
	memcpy(memory, corpus, size);
	swap_out(&tallies[SWAP_OUT_AGAIN]);
	count_pass(&tallies[SWAP_OUT_AGAIN], pass);
	unmap(&tallies[UNMAP]);
	count_pass(&tallies[UNMAP], pass);
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	corpus = load_corpus(corpus_path, false, &size);
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	if (pagemap < 0)
		die_errno("/proc/self/pagemap");
	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++)
		one_pass(pass);
	for (int op = 0; op < NR_OPS; op++) {
		tallies[op].pages = size / TEST_BLOCK;
		count_report(&tallies[op], "swap");
	}
	return RC_OK;
}
