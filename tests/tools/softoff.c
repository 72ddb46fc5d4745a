// SPDX-License-Identifier: GPL-2.0
/*
 * softoff: soft-offline page frames. Reads page frame numbers from standard
 * input and asks the kernel to move what lives there elsewhere and retire the
 * frame, one at a time: the most direct way to make the kernel migrate one
 * chosen page. Retired frames are lost until the next boot.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <unistd.h>

#include "common.h"

#define CONTROL "/sys/devices/system/memory/soft_offline_page"
#define MAX_ERRNO 200

static struct {
	uint64_t max;
	bool verbose;
} opt = { .max = UINT64_MAX };

static unsigned long failures[MAX_ERRNO];

/* Returns 0 or a positive errno. */
static int soft_offline(int fd, uint64_t pfn)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "0x%" PRIx64, pfn * TEST_BLOCK);

	return pwrite(fd, text, len, 0) == len ? 0 : errno;
}

static void print_failures(void)
{
	for (int e = 0; e < MAX_ERRNO; e++)
		if (failures[e])
			printf("softoff errno=%d count=%lu (%s)\n", e, failures[e], strerror(e));
}

static int run(int fd)
{
	unsigned long tried = 0, failed = 0;
	char line[64];

	while (tried < opt.max && fgets(line, sizeof(line), stdin)) {
		char *end;
		uint64_t pfn = strtoull(line, &end, 0);
		int err;

		if (end == line)
			continue;
		err = soft_offline(fd, pfn);
		tried++;
		failed += !!err;
		if (err)
			failures[err < MAX_ERRNO ? err : MAX_ERRNO - 1]++;
		if (opt.verbose)
			printf("pfn %" PRIu64 " %s\n", pfn, err ? strerror(err) : "offline");
	}
	print_failures();
	printf("softoff tried=%lu ok=%lu failed=%lu\n", tried, tried - failed, failed);
	return failed || !tried ? RC_MISMATCH : RC_OK;
}

static void usage(void)
{
	printf("Usage: softoff [--max N] [--verbose] < list-of-page-frame-numbers\n\n"
	       "Soft-offline each page frame listed on standard input (one number a line,\n"
	       "decimal or 0x hex; lines that start with no number are skipped).\n\n"
	       "  --max N    stop after N frames\n"
	       "  --verbose  print the answer for each frame\n"
	       "  --help     this text\n\n"
	       "Exit status: 0 all retired, 1 some failed or none were given, 2 set-up.\n");
	exit(RC_OK);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "max", required_argument, NULL, 'm' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c, fd;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'm': opt.max = parse_number("max", optarg, 1, UINT64_MAX); break;
		case 'v': opt.verbose = true; break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc)
		die("unexpected word '%s'; see --help", argv[optind]);
	fd = open(CONTROL, O_WRONLY);
	if (fd < 0)
		die_errno("cannot open " CONTROL "; run as root on a kernel with CONFIG_MEMORY_FAILURE");
	return run(fd);
}
