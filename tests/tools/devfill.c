// SPDX-License-Identifier: GPL-2.0
/*
 * devfill: write data that does not compress to the start of a block device,
 * or check that it is still there. Direct I/O, 1 MiB at a time, and a
 * generator much faster than /dev/urandom, so that filling a RAM disk is
 * bound by the disk. Every block differs from every other one.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "common.h"

static struct {
	const char *dev;
	uint64_t bytes;
	uint64_t seed;
	bool verify;
} opt = { .seed = 1 };

static void fill_chunk(char *buf, uint64_t offset)
{
	for (size_t at = 0; at < MIB; at += TEST_BLOCK) {
		uint64_t block = (offset + at) / TEST_BLOCK;
		struct rng r;

		rng_init(&r, opt.seed ^ mix64(block));
		fill_random((uint64_t *)(buf + at), &r);
	}
}

static void write_chunk(int fd, const char *buf, uint64_t offset)
{
	ssize_t n = pwrite(fd, buf, MIB, offset);

	if (n < 0)
		die_errno("write of 1 MiB at offset %" PRIu64 " of %s failed", offset, opt.dev);
	if (n != (ssize_t)MIB)
		die("%s took only %zd bytes at offset %" PRIu64 "; use a smaller --mib",
		    opt.dev, n, offset);
}

static unsigned long check_chunk(int fd, char *buf, const char *want, uint64_t offset)
{
	unsigned long bad = 0;
	ssize_t n = pread(fd, buf, MIB, offset);

	if (n < 0)
		die_errno("read of 1 MiB at offset %" PRIu64 " of %s failed", offset, opt.dev);
	if (n != (ssize_t)MIB)
		die("%s gave only %zd bytes at offset %" PRIu64 "; use a smaller --mib",
		    opt.dev, n, offset);
	for (size_t at = 0; at < MIB; at += TEST_BLOCK) {
		int word = first_difference((void *)(buf + at), (void *)(want + at));

		if (word < 0)
			continue;
		if (!bad++)
			fprintf(stderr, "devfill: MISMATCH at offset %" PRIu64 " word %d: expected %016"
				PRIx64 " found %016" PRIx64 "\n", offset + at, word,
				((uint64_t *)(want + at))[word], ((uint64_t *)(buf + at))[word]);
	}
	return bad;
}

static char *new_chunk(void)
{
	char *p = aligned_alloc(TEST_BLOCK, MIB);

	if (!p)
		die("out of memory");
	return p;
}

static int run(void)
{
	char *buf = new_chunk(), *want = new_chunk();
	unsigned long bad = 0;
	int mode = opt.verify ? O_RDONLY : O_WRONLY, fd = open(opt.dev, mode | O_DIRECT);

	/* A tmpfs of 6.1 has nothing behind its cache. */
	if (fd < 0 && errno == EINVAL)
		fd = open(opt.dev, mode);
	if (fd < 0)
		die_errno("cannot open %s", opt.dev);
	for (uint64_t offset = 0; offset < opt.bytes; offset += MIB) {
		fill_chunk(want, offset);
		if (opt.verify)
			bad += check_chunk(fd, buf, want, offset);
		else
			write_chunk(fd, want, offset);
	}
	if (close(fd))
		die_errno("closing %s", opt.dev);
	printf("devfill %s=%" PRIu64 " blocks mismatches=%lu\n",
	       opt.verify ? "verified" : "written", opt.bytes / TEST_BLOCK, bad);
	return bad ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: devfill --dev DEV --mib N [--seed X] [--verify]\n\n"
	       "Write N MiB of incompressible data to the start of DEV, or verify them.\n\n"
	       "  --dev DEV   block device or file\n"
	       "  --mib N     how much, in MiB\n"
	       "  --seed X    which data (default 1); give the same one to --verify\n"
	       "  --verify    read and compare instead of writing\n"
	       "  --help      this text\n\n"
	       "Exit status: 0 done, 1 a block differs, 2 bad usage or an I/O error.\n");
	exit(RC_OK);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' },
		{ "mib", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 'x' },
		{ "verify", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': opt.dev = optarg; break;
		case 'm': opt.bytes = parse_number("mib", optarg, 1, 1 << 20) * MIB; break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
		case 'v': opt.verify = true; break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !opt.dev || !opt.bytes)
		die("give --dev and --mib and no other words; see --help");
	return run();
}
