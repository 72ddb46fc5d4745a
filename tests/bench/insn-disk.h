/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by insn-compact.c and insn-move.c: the disk whose pool they measure, and the
 * corpus that they fill it with.
 */
#ifndef ZMRAM_BENCH_INSN_DISK_H
#define ZMRAM_BENCH_INSN_DISK_H

#include "insn.h"

static const char *device, *algorithm;
static char *corpus, *buffer;		/* the latter is a MiB */
static size_t size;			/* of the corpus and of the disk */
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

static inline void empty_disk(void)
{
	char text[64];

	if (fd >= 0)
		close(fd);
	store(attribute("reset"), "1");
	store(attribute("comp_algorithm"), algorithm);
	snprintf(text, sizeof(text), "%zu", size);
	store(attribute("disksize"), text);
	snprintf(text, sizeof(text), "/dev/%s", device);
	fd = open_file(text, O_RDWR | O_DIRECT);
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
