// SPDX-License-Identifier: GPL-2.0
/*
 * memsnap: write down what every page frame of the machine holds, one letter a
 * frame and one line a pageblock, for scripts/memmap-picture to draw. Reads
 * /proc/kpageflags and, for the frames of zmalloc, the list it keeps in
 * debugfs. A summary goes to standard output.
 *
 * Free frames are those the buddy allocator owns; the few hundred that wait
 * in per-CPU lists carry no mark and count as kernel pages.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <linux/kernel-page-flags.h>
#include <unistd.h>

#include "common.h"

#define KPF_RESERVED	32	/* kernel-internal number, stable since 2009 */
#define CHUNK		4096
#define DEFAULT_ZSPAGES	"/sys/kernel/debug/zmalloc/*/zspages"

enum frame {
	F_NOPAGE = '_', F_FREE = '.', F_OURS = 'Z', F_PINNED = 'P', F_ANON = 'A',
	F_FILE = 'F', F_HUGE = 'H', F_SLAB = 'S', F_TABLE = 'T', F_KERNEL = 'K', F_LARGE = 'L',
	F_RESERVED = 'R', F_LOST = 'X',
};

static struct {
	const char *out, *label, *zspages;
} opt = { .label = "snapshot", .zspages = DEFAULT_ZSPAGES };

static char *frames;		/* letter of each page frame */
static uint64_t nr_frames;
static unsigned long count[256], stale;

static bool has(uint64_t flags, int bit)
{
	return flags >> bit & 1;
}

static char classify(uint64_t flags, char previous)
{
	if (has(flags, KPF_NOPAGE))
		return F_NOPAGE;
	if (has(flags, KPF_HWPOISON) || has(flags, KPF_OFFLINE))
		return F_LOST;
	if (has(flags, KPF_BUDDY))
		return F_FREE;
	if (has(flags, KPF_HUGE))
		return F_HUGE;
	if (has(flags, KPF_RESERVED))
		return F_RESERVED;
	if (has(flags, KPF_COMPOUND_TAIL))
		return previous;
	if (has(flags, KPF_SLAB))
		return F_SLAB;
	if (has(flags, KPF_PGTABLE))
		return F_TABLE;
	if (has(flags, KPF_ANON))
		return F_ANON;
	if (has(flags, KPF_LRU) || has(flags, KPF_MMAP) || has(flags, KPF_SWAPBACKED))
		return F_FILE;
	return has(flags, KPF_COMPOUND_HEAD) ? F_LARGE : F_KERNEL;
}

static void grow(uint64_t n)
{
	frames = realloc(frames, nr_frames + n);
	if (!frames)
		die("out of memory");
}

static void read_flags(void)
{
	uint64_t flags[CHUNK];
	char previous = F_NOPAGE;
	ssize_t n;
	int fd = open("/proc/kpageflags", O_RDONLY);

	if (fd < 0)
		die_errno("cannot open /proc/kpageflags; run as root on a kernel with CONFIG_PROC_PAGE_MONITOR");
	while ((n = read(fd, flags, sizeof(flags))) > 0) {
		n /= sizeof(*flags);
		grow(n);
		for (ssize_t i = 0; i < n; i++)
			frames[nr_frames++] = previous = classify(flags[i], previous);
	}
	if (n < 0)
		die_errno("cannot read /proc/kpageflags");
	close(fd);
}

/* "PFN CLASS_SIZE POSITION INUSE/CAPACITY movable|pinned" */
static void mark_frame(const char *line)
{
	bool pinned = strstr(line, "pinned");
	char *end;
	uint64_t pfn = strtoull(line, &end, 10);

	if (end == line || pfn >= nr_frames)
		return;
	if (frames[pfn] == F_FREE)
		stale++;	/* freed between the two readings */
	else
		frames[pfn] = pinned ? F_PINNED : F_OURS;
}

static void mark_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[256];

	if (!f)
		die_errno("cannot open %s", path);
	while (fgets(line, sizeof(line), f))
		if (*line != '#')
			mark_frame(line);
	fclose(f);
}

/* No match is fine: zmalloc is not loaded, or has no pool. */
static void mark_ours(void)
{
	glob_t g;

	if (glob(opt.zspages, 0, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++)
		mark_file(g.gl_pathv[i]);
	globfree(&g);
}

/* From a file of "name: value" or "text: value" lines. */
static uint64_t lookup(const char *path, const char *prefix, uint64_t fallback)
{
	FILE *f = fopen(path, "r");
	uint64_t value = fallback;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, prefix, strlen(prefix)) &&
		    sscanf(line + strlen(prefix), " %" SCNu64, &value) == 1)
			break;
	if (f)
		fclose(f);
	return value;
}

static void write_blocks(FILE *out, uint64_t per_block)
{
	for (uint64_t first = 0; first < nr_frames; first += per_block) {
		uint64_t n = nr_frames - first < per_block ? nr_frames - first : per_block;

		if (strspn(frames + first, "_") >= n)
			continue;
		fprintf(out, "block %" PRIu64 " %.*s\n", first, (int)n, frames + first);
	}
}

static void write_snapshot(void)
{
	uint64_t per_block = lookup("/proc/pagetypeinfo", "Pages per block:", 512);
	FILE *out = fopen(opt.out, "w");

	if (!out)
		die_errno("cannot write %s", opt.out);
	grow(1);
	frames[nr_frames] = 0;
	fprintf(out, "memsnap 1\nlabel %s\npageblock %" PRIu64 "\nmemfree_kib %" PRIu64 "\n",
		opt.label, per_block, lookup("/proc/meminfo", "MemFree:", 0));
	write_blocks(out, per_block);
	if (fclose(out))
		die_errno("cannot write %s", opt.out);
}

static void print_summary(void)
{
	for (uint64_t i = 0; i < nr_frames; i++)
		count[(unsigned char)frames[i]]++;
	printf("memsnap free=%lu ours=%lu pinned=%lu anon=%lu file=%lu huge=%lu kernel=%lu reserved=%lu lost=%lu stale=%lu\n",
	       count[F_FREE], count[F_OURS], count[F_PINNED], count[F_ANON], count[F_FILE],
	       count[F_HUGE], count[F_SLAB] + count[F_TABLE] + count[F_KERNEL] + count[F_LARGE],
	       count[F_RESERVED], count[F_LOST], stale);
}

static void usage(void)
{
	printf("Usage: memsnap --out FILE [--label TEXT] [--zspages GLOB]\n\n"
	       "Write a snapshot of physical memory for scripts/memmap-picture.\n\n"
	       "  --out FILE      where to write it\n"
	       "  --label TEXT    what the moment is called in the picture\n"
	       "  --zspages GLOB  lists of zmalloc's page frames\n"
	       "                  (default " DEFAULT_ZSPAGES ")\n"
	       "  --help          this text\n\n"
	       "Letters: . free, Z zmalloc movable, P zmalloc pinned, A anonymous, F file cache,\n"
	       "H huge page, S slab, T page table, K other kernel page, L one of several in a piece,\n"
	       "R reserved, X lost.\n\n"
	       "Exit status: 0 done, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "out", required_argument, NULL, 'o' },
		{ "label", required_argument, NULL, 'l' },
		{ "zspages", required_argument, NULL, 'z' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'o': opt.out = optarg; break;
		case 'l': opt.label = optarg; break;
		case 'z': opt.zspages = optarg; break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !opt.out)
		die("give --out FILE and no other words; see --help");
	read_flags();
	mark_ours();
	write_snapshot();
	print_summary();
	return RC_OK;
}
