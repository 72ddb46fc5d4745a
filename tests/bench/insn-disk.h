/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the programs that count what a disk takes, insn-io.c, and what its pool
 * takes, insn-compact.c and insn-move.c: the disk, and the corpus that they fill it with.
 */
#ifndef ZMRAM_BENCH_INSN_DISK_H
#define ZMRAM_BENCH_INSN_DISK_H

#include "insn.h"

static const char *device, *algorithm;
static char *corpus, *buffer;		/* the latter is a MiB */
static size_t size;			/* of the corpus */
static int fd = -1;

static inline int open_file(const char *path, int mode)
{
	int file = open(path, mode);

	if (file < 0)
		die_errno("%s", path);
	return file;
}

static inline void store(const char *path, const char *value)
{
	int file = open_file(path, O_WRONLY);

	if (write(file, value, strlen(value)) < 0)
		die_errno("%s: '%s'", path, value);
	close(file);
}

static inline const char *attribute(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "/sys/block/%s/%s", device, name);
	return path;
}

static inline void close_disk(void)
{
	if (fd >= 0)
		close(fd);
	fd = -1;
}

static inline void open_disk(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", device);
	fd = open_file(path, O_RDWR | O_DIRECT);
}

static inline void empty_disk(size_t bytes)
{
	char text[32];

	close_disk();
	store(attribute("reset"), "1");
	store(attribute("comp_algorithm"), algorithm);
	snprintf(text, sizeof(text), "%zu", bytes);
	store(attribute("disksize"), text);
	open_disk();
}

static inline void fill_disk(void)
{
	for (size_t at = 0; at < size; at += MIB)
		if (pwrite(fd, corpus + at, MIB, at) != (ssize_t)MIB)
			die_errno("write at %zu", at);
}

/* The command line's number of passes. */
static inline unsigned int prepare_disk(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "Usage: %s DEVICE ALGORITHM PASSES CORPUS\n"
			"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n",
			program_invocation_short_name);
		exit(RC_SETUP);
	}
	device = argv[1];
	algorithm = argv[2];
	corpus = load_corpus(argv[4], false, &size);
	buffer = bench_memory(MIB, false);
	return parse_number("passes", argv[3], 2, 100);
}

#endif
