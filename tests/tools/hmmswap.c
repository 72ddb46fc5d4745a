// SPDX-License-Identifier: GPL-2.0
/*
 * hmmswap: memory that lives now in RAM, now in swap, now in a device's private
 * memory (the kernel's test_hmm), and has to have the right content wherever it
 * comes back from. Proves that device-private migration and a swap device on
 * movable pages get along: the moves into the device read pages from swap, and
 * the pressure of all this makes both move.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

/* The interface of lib/test_hmm.c, which no installed header has. */
struct hmm_command {
	uint64_t addr, ptr, npages, cpages, faults;
};

#define HMM_TO_DEVICE	_IOWR('H', 2, struct hmm_command)
#define HMM_TO_SYSTEM	_IOWR('H', 3, struct hmm_command)

#define SPAN_PAGES	64

static struct {
	const char *dev;
	uint64_t pages, seed;
	double seconds;
} opt = { .seed = 1, .seconds = 10 };

static int fd;
static char *memory;
static uint32_t *generation;
static unsigned long to_device, to_system, refused, pageouts, mismatches;

static uint64_t *page_words(uint64_t page)
{
	return (uint64_t *)(memory + page * TEST_BLOCK);
}

static uint64_t page_id(uint64_t page)
{
	return ((uint64_t)generation[page] + 1) << 28 | page;
}

static void write_page(uint64_t page)
{
	block_fill(page_words(page), opt.seed, page_id(page), 65);
}

static void verify_page(uint64_t page)
{
	uint64_t want[TEST_WORDS];
	int word;

	block_fill(want, opt.seed, page_id(page), 65);
	word = first_difference(page_words(page), want);
	if (word >= 0 && !mismatches++)
		fprintf(stderr, "hmmswap: MISMATCH page %" PRIu64 " word %d: expected %016" PRIx64
			" found %016" PRIx64 "\n", page, word, want[word], page_words(page)[word]);
}

/* The device copies what it has afterwards into a buffer of ours. */
static void move_span(unsigned long request, uint64_t first, char *copy, unsigned long *count)
{
	struct hmm_command cmd = {
		.addr = (uintptr_t)page_words(first),
		.ptr = (uintptr_t)copy,
		.npages = SPAN_PAGES,
	};

	if (ioctl(fd, request, &cmd))
		refused++;
	else
		*count += cmd.cpages;
}

static void step(struct rng *rng, char *copy)
{
	uint64_t first = rng_below(rng, opt.pages - SPAN_PAGES + 1);
	unsigned int dice = rng_below(rng, 100);

	if (dice < 8) {
		move_span(HMM_TO_DEVICE, first, copy, &to_device);
	} else if (dice < 12) {
		move_span(HMM_TO_SYSTEM, first, copy, &to_system);
	} else if (dice < 20) {
		if (madvise(page_words(first), SPAN_PAGES * TEST_BLOCK, MADV_PAGEOUT))
			die_errno("madvise(MADV_PAGEOUT) failed; the kernel needs swap support");
		pageouts += SPAN_PAGES;
	} else {
		verify_page(first);
		if (dice < 60) {
			generation[first]++;
			write_page(first);
		}
	}
}

static int run(void)
{
	double end = now_seconds() + opt.seconds;
	char *copy = aligned_alloc(TEST_BLOCK, SPAN_PAGES * TEST_BLOCK);
	struct rng rng;

	fd = open(opt.dev, O_RDWR);
	if (fd < 0)
		die_errno("cannot open %s", opt.dev);
	rng_init(&rng, opt.seed);
	memory = mmap(NULL, opt.pages * TEST_BLOCK, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	generation = calloc(opt.pages, sizeof(*generation));
	if (memory == MAP_FAILED || !generation || !copy)
		die_errno("no memory; use a smaller --mib");
	madvise(memory, opt.pages * TEST_BLOCK, MADV_NOHUGEPAGE);
	for (uint64_t page = 0; page < opt.pages; page++)
		write_page(page);
	while (now_seconds() < end)
		step(&rng, copy);
	for (uint64_t page = 0; page < opt.pages; page++)
		verify_page(page);
	printf("hmmswap to_device=%lu to_system=%lu refused=%lu pageouts=%lu mismatches=%lu\n",
	       to_device, to_system, refused, pageouts, mismatches);
	return mismatches ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: hmmswap --dev /dev/hmm_dmirror0 --mib N [options]\n\n"
	       "Move N MiB of anonymous memory between RAM, swap and a test_hmm device.\n\n"
	       "  --dev DEV    the device of test_hmm\n"
	       "  --mib N      memory to use, in MiB\n"
	       "  --seconds S  how long (default 10)\n"
	       "  --seed X     start of the random numbers (default 1)\n"
	       "  --help       this text\n\n"
	       "Exit status: 0 all pages right, 1 a page was wrong, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "mib", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'x' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t mib = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': opt.dev = optarg; break;
		case 'm': mib = parse_number("mib", optarg, 1, 1 << 20); break;
		case 's': opt.seconds = parse_number("seconds", optarg, 0, 1 << 20); break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !mib || !opt.dev)
		die("give --dev and --mib and no other words; see --help");
	opt.pages = mib * MIB / TEST_BLOCK;
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	return run();
}
