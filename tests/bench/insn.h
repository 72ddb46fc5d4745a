/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the programs that count instructions (insn-*.c). They run in a guest
 * whose clock advances by one per instruction, and read that clock, the time stamp
 * counter, before and after each system call. With the test module zm_quiet loaded,
 * no timer interrupt is in the count.
 *
 * What is counted is made several times, in passes. The first pass warms up; of
 * the others the cheapest counts, by operation.
 */
#ifndef ZMRAM_BENCH_INSN_H
#define ZMRAM_BENCH_INSN_H

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <x86intrin.h>

#include "../tools/common.h"
#include "window.h"

#define HUGE_PAGE	(2 * MIB)
#define MAX_SAMPLES	8192

struct tally {
	const char *name;
	uint64_t pages;			/* of 4 KiB, in one pass */
	uint64_t least, most;		/* instructions of a pass */
	uint64_t now;			/* of this pass */
	size_t nr_samples;		/* of it, with count_typical */
	uint64_t sample[MAX_SAMPLES];
};

/*
 * Where time passes and not instructions, other programs get in between: the middle
 * one of the requests then stands for all of them, which are alike.
 */
static bool count_typical;
static int quiet_fd = -1;
static uint64_t window_start;

static inline void quiet(bool on)
{
	if (quiet_fd >= 0 && write(quiet_fd, on ? "1" : "0", 1) != 1)
		die_errno("cannot hold back the timer");
}

/* What is between these two is counted. */
static inline void count_begin(void)
{
	quiet(true);
	window_open();
	window_start = __rdtsc();
}

static inline void count_end(struct tally *tally)
{
	uint64_t end = __rdtsc();

	window_close();
	quiet(false);
	tally->now += end - window_start;
	if (count_typical && tally->nr_samples < MAX_SAMPLES)
		tally->sample[tally->nr_samples++] = end - window_start;
}

static inline int count_compare(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return left < right ? -1 : left > right;
}

static inline uint64_t count_median(struct tally *tally)
{
	qsort(tally->sample, tally->nr_samples, sizeof(*tally->sample), count_compare);
	return tally->sample[tally->nr_samples / 2];
}

/* One operation of one pass is complete. */
static inline void count_pass(struct tally *tally, unsigned int pass)
{
	window_next();
	if (tally->nr_samples)
		tally->now = count_median(tally) * tally->nr_samples;
	tally->nr_samples = 0;
	if (pass) {
		if (pass == 1 || tally->now < tally->least)
			tally->least = tally->now;
		if (tally->now > tally->most)
			tally->most = tally->now;
	}
	tally->now = 0;
}

/* "operation unit pages instructions spread", the latter two for all pages. */
static inline void count_report(const struct tally *tally, const char *unit)
{
	if (!tally->pages || !tally->least || tally->least > INT64_MAX)
		die("%s: %" PRIu64 " instructions for %" PRIu64 " pages", tally->name,
		    tally->least, tally->pages);
	printf("%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", tally->name, unit,
	       tally->pages, tally->least, tally->most - tally->least);
}

static inline char *map_memory(size_t bytes, int flags)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	if (mem == MAP_FAILED)
		die_errno("%zu bytes%s", bytes,
			  flags ? " of huge pages (see /proc/sys/vm/nr_hugepages)" : "");
	return mem;
}

/* Pages that are no neighbours in memory: those were given to somebody else. */
static inline char *scattered_memory(size_t bytes)
{
	char *mem = map_memory(bytes, 0), *other = map_memory(bytes, 0);

	/* EINVAL: there are none. */
	if ((madvise(mem, bytes, MADV_NOHUGEPAGE) || madvise(other, bytes, MADV_NOHUGEPAGE)) &&
	    errno != EINVAL)
		die_errno("madvise");
	for (size_t at = 0; at < bytes; at += TEST_BLOCK) {
		mem[at] = 1;
		other[at] = 1;
	}
	return mem;
}

/* Memory of a known layout, so that no run splits requests in another way. */
static inline char *bench_memory(size_t bytes, bool contiguous)
{
	if (!contiguous)
		return scattered_memory(bytes);
	return map_memory((bytes + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1),
			  MAP_HUGETLB | MAP_POPULATE);
}

/* The corpus, followed by its first page again; sets @size to whole MiB. */
static inline char *load_corpus(const char *path, bool contiguous, size_t *size)
{
	int file = open(path, O_RDONLY);
	struct stat st;
	char *corpus;

	if (file < 0 || fstat(file, &st))
		die_errno("%s", path);
	if (!st.st_size || st.st_size % MIB)
		die("%s: wants whole MiB", path);
	*size = st.st_size;
	corpus = bench_memory(*size + TEST_BLOCK, contiguous);
	for (size_t at = 0; at < *size; ) {
		ssize_t n = read(file, corpus + at, *size - at);

		if (n <= 0)
			die_errno("%s", path);
		at += n;
	}
	close(file);
	memcpy(corpus + *size, corpus, TEST_BLOCK);
	return corpus;
}

/* After all memory but what is to be swapped has been allocated. */
static inline void become_undisturbed(void)
{
	struct sched_param param = { .sched_priority = 1 };

	quiet_fd = open("/sys/kernel/debug/zm_quiet/quiet", O_WRONLY);
	if (mlockall(MCL_CURRENT))
		die_errno("mlockall");
	if (sched_setscheduler(0, SCHED_FIFO, &param))
		die_errno("sched_setscheduler");
}

#endif
