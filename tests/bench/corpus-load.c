// SPDX-License-Identifier: GPL-2.0
/*
 * Fills a disk with the pages of the corpus, churns it, or keeps it busy and takes
 * the time of every request. Which page of the corpus lies where is kept in a file,
 * so that whatever is read can be compared, also by a later run.
 *
 * fio would be the usual tool, but makes up what it writes: one pattern, or noise.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tools/common.h"

#define MAX_JOBS	16
#define EMPTY		UINT32_MAX	/* a page that was discarded */
#define SUB_BITS	4		/* of a latency are kept behind the first one */
#define BUCKETS		(64 << SUB_BITS)

struct job {
	pthread_t thread;
	unsigned int nr;
	uint64_t ios, bucket[BUCKETS];
};

static const char *device, *corpus_path, *state_path, *mix = "mixed";
static uint64_t pages;			/* of the disk that are used */
static uint64_t corpus_pages, seed = 1;
static unsigned int jobs = 1, seconds = 3;

static const char *corpus;
static uint32_t *state;			/* by page of the disk: page of the corpus */
static struct job job[MAX_JOBS];
static double deadline;

static void usage(FILE *to)
{
	fprintf(to,
"Usage: corpus-load --device /dev/NAME --corpus FILE --mib N --state FILE COMMAND\n\n"
"COMMAND is fill (1 MiB requests), churn (as many operations as there are pages, one\n"
"in four a discard and the others overwrites, then half as many discards), verify,\n"
"or load, with\n"
"  --jobs N       threads, each with pages of its own   (default 1)\n"
"  --mix KIND     read, write or mixed, half of each    (default mixed)\n"
"  --seconds N    how long, requests of 4 KiB at random (default 3)\n"
"  --seed N       for churn and load                    (default 1)\n"
"and a line of output: ios, us, and hist, latencies in ns and how many had them.\n"
"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n");
}

static const char *parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "corpus", required_argument, NULL, 'c' },
		{ "mib", required_argument, NULL, 'm' },
		{ "state", required_argument, NULL, 'f' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "mix", required_argument, NULL, 'x' },
		{ "seconds", required_argument, NULL, 's' },
		{ "seed", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'd': device = optarg; break;
		case 'c': corpus_path = optarg; break;
		case 'm': pages = parse_number("mib", optarg, 1, 1 << 20) * (MIB / TEST_BLOCK); break;
		case 'f': state_path = optarg; break;
		case 'j': jobs = parse_number("jobs", optarg, 1, MAX_JOBS); break;
		case 'x': mix = optarg; break;
		case 's': seconds = parse_number("seconds", optarg, 1, 3600); break;
		case 'r': seed = parse_number("seed", optarg, 0, UINT64_MAX); break;
		case 'h': usage(stdout); exit(RC_OK);
		default: usage(stderr); exit(RC_SETUP);
		}
	}
	if (optind + 1 != argc || !device || !corpus_path || !state_path || !pages) {
		usage(stderr);
		exit(RC_SETUP);
	}
	return argv[optind];
}

static void *map_file(const char *path, size_t bytes, int flags, int prot)
{
	int fd = open(path, flags, 0600);
	struct stat st;
	void *mem;

	if (fd < 0 || fstat(fd, &st) ||
	    (st.st_size < (off_t)bytes && (ftruncate(fd, bytes) || fstat(fd, &st))))
		die_errno("%s", path);
	mem = mmap(NULL, st.st_size, prot, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (mem == MAP_FAILED)
		die_errno("%s", path);
	close(fd);
	corpus_pages = st.st_size / TEST_BLOCK;
	return mem;
}

static int open_device(void)
{
	int fd = open(device, O_RDWR | O_DIRECT);

	if (fd < 0)
		die_errno("%s", device);
	return fd;
}

static void *io_buffer(size_t bytes)
{
	void *buffer = aligned_alloc(TEST_BLOCK, bytes);

	if (!buffer)
		die("out of memory");
	memset(buffer, 0, bytes);
	return buffer;
}

static const char *content(uint64_t page)
{
	static const char zero[TEST_BLOCK];

	return state[page] == EMPTY ? zero : corpus + (uint64_t)state[page] * TEST_BLOCK;
}

static void check(uint64_t page, const char *got)
{
	if (!memcmp(got, content(page), TEST_BLOCK))
		return;
	fprintf(stderr, "corpus-load: wrong data in page %" PRIu64 "\n", page);
	exit(RC_MISMATCH);
}

static void transfer(int fd, bool write, void *buffer, size_t bytes, uint64_t page)
{
	ssize_t n = write ? pwrite(fd, buffer, bytes, page * TEST_BLOCK) :
			    pread(fd, buffer, bytes, page * TEST_BLOCK);

	if (n != (ssize_t)bytes)
		die_errno("%s of page %" PRIu64, write ? "write" : "read", page);
}

/* Requests of 1 MiB over the whole disk. */
static void sweep(bool write)
{
	char *buffer = io_buffer(MIB);
	int fd = open_device();

	for (uint64_t page = 0; page < pages; page += MIB / TEST_BLOCK) {
		for (uint64_t i = 0; write && i < MIB / TEST_BLOCK; i++) {
			state[page + i] = (page + i) % corpus_pages;
			memcpy(buffer + i * TEST_BLOCK, content(page + i), TEST_BLOCK);
		}
		transfer(fd, write, buffer, MIB, page);
		for (uint64_t i = 0; !write && i < MIB / TEST_BLOCK; i++)
			check(page + i, buffer + i * TEST_BLOCK);
	}
	close(fd);
}

/* Choose what is written to a page next. */
static void choose(char *buffer, uint64_t page, struct rng *rng)
{
	state[page] = rng_below(rng, corpus_pages);
	memcpy(buffer, content(page), TEST_BLOCK);
}

static void discard(int fd, uint64_t page)
{
	uint64_t range[2] = { page * TEST_BLOCK, TEST_BLOCK };

	state[page] = EMPTY;
	if (ioctl(fd, BLKDISCARD, range))
		die_errno("discard of page %" PRIu64, page);
}

static void churn(void)
{
	char *buffer = io_buffer(TEST_BLOCK);
	int fd = open_device();
	struct rng rng;

	rng_init(&rng, seed);
	for (uint64_t i = 0; i < pages + pages / 2; i++) {
		uint64_t page = rng_below(&rng, pages);

		if (i >= pages || !rng_below(&rng, 4)) {
			discard(fd, page);
			continue;
		}
		choose(buffer, page, &rng);
		transfer(fd, true, buffer, TEST_BLOCK, page);
	}
	close(fd);
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int msb = 63 - __builtin_clzll(ns | 1 << SUB_BITS);

	ns |= 1 << SUB_BITS;
	return (msb << SUB_BITS) + (ns >> (msb - SUB_BITS)) - (1 << SUB_BITS);
}

/* The largest latency that falls into a bucket. */
static uint64_t bucket_ns(unsigned int bucket)
{
	uint64_t sub = (bucket & ((1 << SUB_BITS) - 1)) + (1 << SUB_BITS) + 1;

	return (sub << ((bucket >> SUB_BITS) - SUB_BITS)) - 1;
}

static void *run_job(void *arg)
{
	struct job *me = arg;
	char *buffer = io_buffer(TEST_BLOCK);
	int fd = open_device();
	struct rng rng;
	double end;

	rng_init(&rng, seed + me->nr);
	do {
		uint64_t page = rng_below(&rng, pages / jobs) * jobs + me->nr;
		bool write = *mix == 'w' || (*mix == 'm' && rng_below(&rng, 2));
		double start;

		if (write)
			choose(buffer, page, &rng);
		start = now_seconds();
		transfer(fd, write, buffer, TEST_BLOCK, page);
		end = now_seconds();
		if (!write)
			check(page, buffer);
		me->bucket[bucket_of((end - start) * 1e9)]++;
		me->ios++;
	} while (end < deadline);
	close(fd);
	return NULL;
}

static void load(void)
{
	double start = now_seconds();
	uint64_t ios = 0;
	const char *comma = "";

	deadline = start + seconds;
	for (unsigned int i = 0; i < jobs; i++) {
		job[i].nr = i;
		if (pthread_create(&job[i].thread, NULL, run_job, &job[i]))
			die("cannot start a thread");
	}
	for (unsigned int i = 0; i < jobs; i++) {
		pthread_join(job[i].thread, NULL);
		ios += job[i].ios;
	}
	printf("ios=%" PRIu64 " us=%.0f hist=", ios, (now_seconds() - start) * 1e6);
	for (unsigned int b = 0; b < BUCKETS; b++) {
		for (unsigned int i = 1; i < jobs; i++)
			job[0].bucket[b] += job[i].bucket[b];
		if (job[0].bucket[b]) {
			printf("%s%" PRIu64 ":%" PRIu64, comma, bucket_ns(b), job[0].bucket[b]);
			comma = ",";
		}
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	const char *command = parse_options(argc, argv);

	state = map_file(state_path, pages * sizeof(*state), O_RDWR | O_CREAT,
			 PROT_READ | PROT_WRITE);
	corpus = map_file(corpus_path, 0, O_RDONLY, PROT_READ);
	if (!strcmp(command, "fill"))
		sweep(true);
	else if (!strcmp(command, "churn"))
		churn();
	else if (!strcmp(command, "verify"))
		sweep(false);
	else if (!strcmp(command, "load"))
		load();
	else
		die("no command '%s'; see --help", command);
	return RC_OK;
}
