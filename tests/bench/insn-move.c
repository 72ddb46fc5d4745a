// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions of moving one page of a compressed RAM disk away, from
 * its isolation to the freeing of the old frame; insn.h says how. One pass writes
 * a corpus to the disk and moves some of the frames that it took, by the test
 * module zm_mover. Counted is the median; what moving a free frame takes in the
 * median, which is getting ready and nothing else, is subtracted.
 *
 * Which frames the disk took: they were free before the corpus was written, and
 * afterwards are neither free nor anything else that the kernel has a name for.
 *
 * Output: "move-page move 1 INSTRUCTIONS SPREAD".
 */
#define _GNU_SOURCE
#include <linux/kernel-page-flags.h>

#include "insn.h"

#define MOVES		1024U
#define FREE		(1ULL << KPF_BUDDY)
#define NAMED		(FREE | 1ULL << KPF_LRU | 1ULL << KPF_SLAB | 1ULL << KPF_ANON | \
			 1ULL << KPF_MMAP | 1ULL << KPF_COMPOUND_HEAD | \
			 1ULL << KPF_COMPOUND_TAIL | 1ULL << KPF_HUGE | \
			 1ULL << KPF_NOPAGE | 1ULL << KPF_PGTABLE | 1ULL << KPF_OFFLINE)

static struct tally tally = { .name = "move-page", .pages = 1 };
static const char *device, *algorithm;
static char *corpus, *buffer;
static size_t size, frames;
static uint64_t *before, *after;
static int fd = -1, flags_fd, move_fd;

static void set_attribute(const char *name, const char *value)
{
	char path[128];
	int file;

	snprintf(path, sizeof(path), "/sys/block/%s/%s", device, name);
	file = open(path, O_WRONLY);
	if (file < 0 || write(file, value, strlen(value)) < 0)
		die_errno("%s: '%s'", path, value);
	close(file);
}

static void empty_disk(void)
{
	char text[64];

	if (fd >= 0)
		close(fd);
	set_attribute("reset", "1");
	set_attribute("comp_algorithm", algorithm);
	snprintf(text, sizeof(text), "%zu", size);
	set_attribute("disksize", text);
	snprintf(text, sizeof(text), "/dev/%s", device);
	fd = open(text, O_RDWR | O_DIRECT);
	if (fd < 0)
		die_errno("%s", text);
}

static void fill(void)
{
	for (size_t at = 0; at < size; at += MIB)
		if (pwrite(fd, corpus + at, MIB, at) != (ssize_t)MIB)
			die_errno("write at %zu", at);
}

static void check(void)
{
	for (size_t at = 0; at < size; at += MIB) {
		if (pread(fd, buffer, MIB, at) != (ssize_t)MIB)
			die_errno("read at %zu", at);
		if (memcmp(buffer, corpus + at, MIB)) {
			fprintf(stderr, "insn-move: wrong data in MiB %zu\n", at / MIB);
			exit(RC_MISMATCH);
		}
	}
}

static void read_flags(uint64_t *flags)
{
	ssize_t n = pread(flags_fd, flags, frames * sizeof(*flags), 0);

	if (n <= 0)
		die_errno("/proc/kpageflags");
	memset((char *)flags + n, 0xff, frames * sizeof(*flags) - n);
}

/* Instructions, or 0 if the frame could not be moved. */
static uint64_t move_frame(size_t pfn)
{
	struct tally one = { };
	char text[32];
	int len = snprintf(text, sizeof(text), "%zu", pfn);
	ssize_t n;

	count_begin();
	n = write(move_fd, text, len);
	count_end(&one);
	return n == len ? one.now : 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Moves frames that were free before and have @state, of @mask, now. */
static uint64_t move_some(uint64_t mask, uint64_t state, const char *what)
{
	static uint64_t spent[MOVES];
	unsigned int n = 0;

	for (size_t pfn = 0; pfn < frames && n < MOVES; pfn++) {
		if (!(before[pfn] & FREE) || (after[pfn] & mask) != state)
			continue;
		spent[n] = move_frame(pfn);
		n += spent[n] > 0;
	}
	if (n < MOVES)
		die("%u of %u %s frames could be moved", n, MOVES, what);
	qsort(spent, MOVES, sizeof(*spent), compare);
	return spent[MOVES / 2];
}

/*
 * Moving a frame makes the CPU's lists give back what they hold of the frame's
 * zone; nearly all memory is in the last zone.
 */
static void drain_lists(void)
{
	size_t pfn = frames;

	read_flags(before);
	while (pfn-- && !((before[pfn] & (FREE | 1ULL << KPF_NOPAGE)) == FREE &&
			  move_frame(pfn)))
		;
}

static void one_pass(unsigned int pass)
{
	uint64_t ready;

	empty_disk();
	drain_lists();
	read_flags(before);
	fill();
	read_flags(after);
	ready = move_some(FREE, FREE, "free");
	tally.now = move_some(NAMED, 0, "of the disk's") - ready;
	count_pass(&tally, pass);
	check();
}

static int open_file(const char *path, int mode)
{
	int file = open(path, mode);

	if (file < 0)
		die_errno("%s", path);
	return file;
}

int main(int argc, char **argv)
{
	unsigned int passes;

	if (argc != 5) {
		fprintf(stderr, "Usage: insn-move DEVICE ALGORITHM PASSES CORPUS\n"
			"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n");
		return RC_SETUP;
	}
	device = argv[1];
	algorithm = argv[2];
	passes = parse_number("passes", argv[3], 2, 100);
	corpus = load_corpus(argv[4], false, &size);
	buffer = bench_memory(MIB, false);
	flags_fd = open_file("/proc/kpageflags", O_RDONLY);
	move_fd = open_file("/sys/kernel/debug/zm_mover/move", O_WRONLY);
	frames = sysconf(_SC_PHYS_PAGES) * 5 / 4;
	before = (uint64_t *)bench_memory(frames * sizeof(*before), false);
	after = (uint64_t *)bench_memory(frames * sizeof(*after), false);
	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++)
		one_pass(pass);
	count_report(&tally, "move");
	return RC_OK;
}
