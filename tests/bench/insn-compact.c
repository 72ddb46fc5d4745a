// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions of compacting the pool of a compressed RAM disk; insn.h
 * says how. One pass writes a corpus, discards two pages of each three, and has
 * the pool compacted; then everything is read and compared.
 *
 * Output: "compact compact PAGES INSTRUCTIONS SPREAD", PAGES being those of the
 * pool that compaction freed.
 */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "insn-disk.h"

#define KEEP		3	/* one page of so many */

static struct tally tally = { .name = "compact" };

/* Column 7 of mm_stat. */
static uint64_t pages_compacted(void)
{
	const char *path = attribute("mm_stat");
	FILE *file = fopen(path, "r");
	uint64_t value;

	if (!file || fscanf(file, "%*s %*s %*s %*s %*s %*s %" SCNu64, &value) != 1)
		die_errno("%s", path);
	fclose(file);
	return value;
}

static bool is_kept(size_t at)
{
	return at / TEST_BLOCK % KEEP == 0;
}

static void make_holes(void)
{
	for (size_t at = 0; at < size; at += TEST_BLOCK) {
		uint64_t range[2] = { at, TEST_BLOCK };

		if (!is_kept(at) && ioctl(fd, BLKDISCARD, range))
			die_errno("discard at %zu", at);
	}
}

static void check(void)
{
	static const char zero[TEST_BLOCK];

	for (size_t at = 0; at < size; at += TEST_BLOCK) {
		if (pread(fd, buffer, TEST_BLOCK, at) != TEST_BLOCK)
			die_errno("read at %zu", at);
		if (memcmp(buffer, is_kept(at) ? corpus + at : zero, TEST_BLOCK)) {
			fprintf(stderr, "insn-compact: wrong data at offset %zu\n", at);
			exit(RC_MISMATCH);
		}
	}
}

static void compact(void)
{
	const char *path = attribute("compact");
	int file = open_file(path, O_WRONLY);
	ssize_t n;

	count_begin();
	n = write(file, "1", 1);
	count_end(&tally);
	if (n != 1)
		die_errno("%s", path);
	close(file);
}

int main(int argc, char **argv)
{
	unsigned int passes = prepare_disk(argc, argv);

	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++) {
		empty_disk(size);
		fill_disk();
		make_holes();
		compact();
		count_pass(&tally, pass);
		check();
	}
	tally.pages = pages_compacted();
	count_report(&tally, "compact");
	return RC_OK;
}
