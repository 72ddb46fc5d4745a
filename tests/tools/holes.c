// SPDX-License-Identifier: GPL-2.0
/*
 * holes: make memory full of single-page holes, run a command that fills
 * them, then give everything else back. What the command left behind is then
 * spread one page here, one page there over all of memory, which is the worst
 * case for huge pages unless those pages can be moved.
 *
 * With /proc/self/pagemap readable (root) the holes are the odd page frames,
 * so that no two of them are buddies; otherwise every second virtual page.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common.h"

#define PAGEMAP_PRESENT	(1ULL << 63)
#define PAGEMAP_PFN	((1ULL << 55) - 1)
#define PAGEMAP_CHUNK	512

static struct {
	uint64_t pages;
	uint64_t reserve_mib;
	uint64_t percent;
	const char *hold_cmd;
} opt = { .reserve_mib = 64, .percent = 50 };

static char *memory;

/* Field of /proc/meminfo in KiB. */
static uint64_t meminfo_kib(const char *name)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	uint64_t value;

	if (!f)
		die_errno("cannot read /proc/meminfo");
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, strlen(name)) &&
		    sscanf(line + strlen(name), ": %" SCNu64, &value) == 1) {
			fclose(f);
			return value;
		}
	}
	die("/proc/meminfo has no field %s", name);
}

static uint64_t default_pages(void)
{
	uint64_t mib = meminfo_kib("MemAvailable") / 1024;

	if (mib <= opt.reserve_mib)
		die("only %" PRIu64 " MiB available; use a smaller --reserve", mib);
	return (mib - opt.reserve_mib) * MIB / TEST_BLOCK;
}

/* If memory runs out, end this and its command, not the shell that measures. */
static void be_first_victim(void)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "w");

	if (f) {
		fputs("1000", f);
		fclose(f);
	}
}

static void fill_memory(void)
{
	size_t bytes = opt.pages * TEST_BLOCK;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		die_errno("cannot map %zu bytes; use a smaller --mib", bytes);
	if (madvise(memory, bytes, MADV_NOHUGEPAGE) && errno != EINVAL)
		die_errno("madvise(MADV_NOHUGEPAGE)");
	for (uint64_t page = 0; page < opt.pages; page++)
		*(uint64_t *)(memory + page * TEST_BLOCK) = mix64(page);
}

static bool is_hole(uint64_t page, uint64_t entry)
{
	uint64_t frame = entry & PAGEMAP_PFN;

	if (!(entry & PAGEMAP_PRESENT) || !frame)
		frame = page;
	return frame * opt.percent % 100 >= 100 - opt.percent;
}

static uint64_t punch_chunk(uint64_t first, const uint64_t *entries, size_t count)
{
	uint64_t punched = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_hole(first + i, entries[i]))
			continue;
		if (madvise(memory + (first + i) * TEST_BLOCK, TEST_BLOCK, MADV_DONTNEED))
			die_errno("madvise(MADV_DONTNEED)");
		punched++;
	}
	return punched;
}

static uint64_t punch_holes(void)
{
	uint64_t entries[PAGEMAP_CHUNK], punched = 0;
	int fd = open("/proc/self/pagemap", O_RDONLY);

	for (uint64_t page = 0; page < opt.pages; page += PAGEMAP_CHUNK) {
		size_t count = opt.pages - page < PAGEMAP_CHUNK ? opt.pages - page : PAGEMAP_CHUNK;
		off_t at = ((uintptr_t)memory / TEST_BLOCK + page) * sizeof(*entries);

		memset(entries, 0, sizeof(entries));
		if (fd >= 0 && pread(fd, entries, count * sizeof(*entries), at) < 0)
			die_errno("cannot read /proc/self/pagemap");
		punched += punch_chunk(page, entries, count);
	}
	if (fd >= 0)
		close(fd);
	return punched;
}

static int run_command(void)
{
	int status = system(opt.hold_cmd);

	if (status == -1)
		die_errno("cannot run a shell");
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "holes: the command was killed by signal %d\n", WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

static int run(void)
{
	uint64_t free_full, punched;
	int rc;

	be_first_victim();
	fill_memory();
	free_full = meminfo_kib("MemFree");
	punched = punch_holes();
	fprintf(stderr, "holes: filled %" PRIu64 " MiB (%" PRIu64 " MiB stayed free), punched %"
		PRIu64 " single-page holes = %" PRIu64 " MiB\n", opt.pages * TEST_BLOCK / MIB,
		free_full / 1024, punched, punched * TEST_BLOCK / MIB);
	rc = run_command();
	if (rc)
		fprintf(stderr, "holes: the command failed with status %d\n", rc);
	return rc;
}

static void usage(void)
{
	printf("Usage: holes --hold-cmd CMD [--mib N | --reserve N] [--percent N]\n\n"
	       "Fill memory with small pages, free every second one, run CMD (which should fill\n"
	       "the holes), then free the rest. Turn THP, proactive compaction and swap off first.\n\n"
	       "  --percent N     free N of 100 pages, evenly, not every second one\n"
	       "  --hold-cmd CMD  shell command to run while the holes are the only free memory\n"
	       "  --mib N         memory to fill, in MiB (default: all available less --reserve)\n"
	       "  --reserve N     MiB of available memory to leave alone (default 64)\n"
	       "  --help          this text\n\n"
	       "Exit status: that of CMD; 2 for bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "hold-cmd", required_argument, NULL, 'c' },
		{ "mib", required_argument, NULL, 'm' },
		{ "percent", required_argument, NULL, 'p' },
		{ "reserve", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	uint64_t mib = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c': opt.hold_cmd = optarg; break;
		case 'm': mib = parse_number("mib", optarg, 1, 1 << 20); break;
		case 'p': opt.percent = parse_number("percent", optarg, 1, 99); break;
		case 'r': opt.reserve_mib = parse_number("reserve", optarg, 0, 1 << 20); break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !opt.hold_cmd)
		die("give --hold-cmd CMD and no other words; see --help");
	opt.pages = mib ? mib * MIB / TEST_BLOCK : default_pages();
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	return run();
}
