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

#include "insn.h"

#define KEEP		3	/* one page of so many */

static struct tally tally = { .name = "compact" };
static const char *device, *algorithm;
static char *corpus, *buffer;
static size_t size;
static int fd = -1;

static void set_attribute(const char *name, const char *value, struct tally *counted)
{
	char path[128];
	bool ok;
	int file;

	snprintf(path, sizeof(path), "/sys/block/%s/%s", device, name);
	file = open(path, O_WRONLY);
	if (file < 0)
		die_errno("%s", path);
	if (counted)
		count_begin();
	ok = write(file, value, strlen(value)) > 0;
	if (counted)
		count_end(counted);
	if (!ok)
		die_errno("%s: '%s'", path, value);
	close(file);
}

/* Column 7 of mm_stat. */
static uint64_t pages_compacted(void)
{
	char path[128];
	uint64_t value;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/block/%s/mm_stat", device);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%*s %*s %*s %*s %*s %*s %" SCNu64, &value) != 1)
		die_errno("%s", path);
	fclose(file);
	return value;
}

static void fill(void)
{
	char text[64];

	if (fd >= 0)
		close(fd);
	set_attribute("reset", "1", NULL);
	set_attribute("comp_algorithm", algorithm, NULL);
	snprintf(text, sizeof(text), "%zu", size);
	set_attribute("disksize", text, NULL);
	snprintf(text, sizeof(text), "/dev/%s", device);
	fd = open(text, O_RDWR | O_DIRECT);
	if (fd < 0)
		die_errno("%s", text);
	for (size_t at = 0; at < size; at += MIB)
		if (pwrite(fd, corpus + at, MIB, at) != (ssize_t)MIB)
			die_errno("write at %zu", at);
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

int main(int argc, char **argv)
{
	unsigned int passes;

	if (argc != 5) {
		fprintf(stderr, "Usage: insn-compact DEVICE ALGORITHM PASSES CORPUS\n"
			"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n");
		return RC_SETUP;
	}
	device = argv[1];
	algorithm = argv[2];
	passes = parse_number("passes", argv[3], 2, 100);
	corpus = load_corpus(argv[4], false, &size);
	buffer = bench_memory(MIB, false);
	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++) {
		fill();
		make_holes();
		set_attribute("compact", "1", &tally);
		count_pass(&tally, pass);
		check();
	}
	tally.pages = pages_compacted();
	count_report(&tally, "compact");
	return RC_OK;
}
