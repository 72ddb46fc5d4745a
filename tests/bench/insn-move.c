// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions of moving the pages of a compressed RAM disk away, from
 * their isolation to the freeing of the old frames; insn.h says how. One pass
 * writes a corpus to the disk and has the test module zm_mover take chunks of
 * frames that are the disk's; taking the same chunk once more, when it is free, is
 * what everything around the moves costs, and is subtracted.
 *
 * The same one, because taking frames means taking, clearing and giving back all
 * of the free block that they are then part of. That depends on what lies beside
 * them, and is many times what a move costs.
 *
 * Which frames the disk took: they were free before the corpus was written, and
 * afterwards are neither free nor anything else that the kernel has a name for.
 * (Not KPF_MMAP: on 6.1, zsmalloc keeps an offset in the word that it looks at.)
 * That each of them was moved is then seen by the kernel's count of migrations.
 *
 * Output: "move-page move PAGES INSTRUCTIONS SPREAD".
 */
#define _GNU_SOURCE
#include <linux/kernel-page-flags.h>

#include "insn-disk.h"

#define BLOCK		(HUGE_PAGE / TEST_BLOCK)
#define CHUNK		32UL
#define CHUNKS		32U
#define FREE		(1ULL << KPF_BUDDY)
#define NAMED		(FREE | 1ULL << KPF_LRU | 1ULL << KPF_SLAB | 1ULL << KPF_ANON | \
			 1ULL << KPF_COMPOUND_HEAD | 1ULL << KPF_COMPOUND_TAIL | \
			 1ULL << KPF_HUGE | 1ULL << KPF_NOPAGE | \
			 1ULL << KPF_PGTABLE | 1ULL << KPF_OFFLINE)

static struct tally tally = { .name = "move-page", .pages = CHUNKS * CHUNK };
static size_t frames, drained;
static uint64_t *before, *after;
static int flags_fd, move_fd;

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

static uint64_t migrations(void)
{
	FILE *file = fopen("/proc/vmstat", "r");
	uint64_t value;
	char name[64];

	if (!file)
		die_errno("/proc/vmstat");
	while (fscanf(file, "%63s %" SCNu64, name, &value) == 2)
		if (!strcmp(name, "pgmigrate_success")) {
			fclose(file);
			return value;
		}
	die("/proc/vmstat: no pgmigrate_success");
}

/* Instructions of taking a chunk that @pages pages have to leave; 0 if one did not. */
static uint64_t take_chunk(size_t pfn, unsigned int pages)
{
	uint64_t migrated = migrations();
	struct tally one = { };
	char text[32];
	int len = snprintf(text, sizeof(text), "%zu", pfn);
	ssize_t n;

	count_begin();
	n = write(move_fd, text, len);
	count_end(&one);
	if (n != len && pages && errno == EBUSY)
		return 0;
	if (n != len)
		die_errno("frames from %zu on", pfn);
	migrated = migrations() - migrated;
	if (migrated != pages)
		die("frames from %zu on: %" PRIu64 " pages were moved, not %u", pfn, migrated,
		    pages);
	return one.now;
}

/* Of frames that there are not: all flags. */
static void read_flags(uint64_t *flags, size_t pfn, size_t count)
{
	ssize_t n = pread(flags_fd, flags, count * sizeof(*flags), pfn * sizeof(*flags));

	if (n < 0)
		die_errno("/proc/kpageflags");
	memset((char *)flags + n, 0xff, count * sizeof(*flags) - n);
}

static bool all_are(const uint64_t *flags, size_t count, uint64_t mask, uint64_t state)
{
	for (size_t i = 0; i < count; i++)
		if ((flags[i] & mask) != state)
			return false;
	return true;
}

/*
 * Taking frames makes the CPU's lists give back what they hold of their zone, where
 * free frames look taken; nearly all memory is in the last zone. What they hold then
 * is the chunk that was taken here.
 */
static void drain_lists(void)
{
	uint64_t flags[BLOCK];

	for (drained = frames / BLOCK * BLOCK; drained; ) {
		drained -= BLOCK;
		read_flags(flags, drained, BLOCK);
		if (all_are(flags, BLOCK, FREE | 1ULL << KPF_NOPAGE, FREE)) {
			take_chunk(drained, 0);
			return;
		}
	}
	die("no block of memory is free");
}

static bool is_the_disks(size_t pfn)
{
	return pfn != drained && all_are(before + pfn, CHUNK, FREE, FREE) &&
	       all_are(after + pfn, CHUNK, NAMED, 0);
}

/*
 * What the moves alone take; 0 if there were none, because a frame is not the disk's
 * but of something else that has no name.
 */
static uint64_t move_chunk(size_t pfn)
{
	uint64_t moves, empty;

	drain_lists();
	moves = take_chunk(pfn, CHUNK);
	if (!moves)
		return 0;
	drain_lists();
	empty = take_chunk(pfn, 0);
	if (moves <= empty)
		die("frames from %zu on: %" PRIu64 " instructions with their moves, %" PRIu64
		    " without", pfn, moves, empty);
	return moves - empty;
}

/* The disk's chunks, in the order of their places; how many there are. */
static size_t find_chunks(size_t *found)
{
	size_t n = 0;

	for (size_t pfn = 0; pfn + CHUNK <= frames; pfn += CHUNK)
		if (is_the_disks(pfn))
			found[n++] = pfn;
	return n;
}

/* Moves chunks from all over the disk, in place of one that stays the next one. */
static void move_chunks(void)
{
	size_t *found = calloc(frames / CHUNK, sizeof(*found)), n, moved = 0;

	if (!found)
		die("out of memory");
	n = find_chunks(found);
	for (size_t at = 0; at < n && moved < CHUNKS; at++) {
		uint64_t insns = at >= moved * n / CHUNKS ? move_chunk(found[at]) : 0;

		tally.now += insns;
		moved += insns != 0;
	}
	if (moved < CHUNKS)
		die("of %zu chunks of memory that are the disk's, %zu could be moved, not %u",
		    n, moved, CHUNKS);
	free(found);
}

static void one_pass(unsigned int pass)
{
	empty_disk(size);
	drain_lists();
	read_flags(before, 0, frames);
	fill_disk();
	drain_lists();
	read_flags(after, 0, frames);
	move_chunks();
	count_pass(&tally, pass);
	check();
}

/* How many frames zm_mover takes at once. */
static void set_chunk(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", CHUNK);
	store("/sys/kernel/debug/zm_mover/frames", text);
}

int main(int argc, char **argv)
{
	unsigned int passes;

	flags_fd = open_file("/proc/kpageflags", O_RDONLY);
	move_fd = open_file("/sys/kernel/debug/zm_mover/move", O_WRONLY);
	set_chunk();
	frames = sysconf(_SC_PHYS_PAGES) * 5 / 4;
	/*
	 * What programs before this one have freed is on the CPU's lists, in no order: the
	 * corpus would leave single frames of it over, and the disk be strewn over those.
	 */
	drain_lists();
	passes = prepare_disk(argc, argv);
	before = (uint64_t *)bench_memory(frames * sizeof(*before), false);
	after = (uint64_t *)bench_memory(frames * sizeof(*after), false);
	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++)
		one_pass(pass);
	count_report(&tally, "move");
	return RC_OK;
}
