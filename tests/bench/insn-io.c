// SPDX-License-Identifier: GPL-2.0
/*
 * Counts the instructions that direct I/O on a RAM disk takes; insn.h
 * says how. One pass resets the device and then makes every operation, in a fixed
 * order, on the pages of a corpus. What is read is compared with what was written.
 *
 * Where time is counted, two disks can be asked by turns, request by request: a machine
 * that changes its speed changes that of both, and what is compared is next to each other.
 *
 * Output: one line by operation, "operation unit pages instructions spread"; and
 * "memory ORIG COMPRESSED USED", bytes, after the first write. Of a second disk, "beside
 * operation unit pages instructions ratio", the latter the middle one of the requests'.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "insn-disk.h"

enum op {
	WRITE_FIRST, WRITE_SAME_DATA, WRITE_OTHER_DATA, READ, READ_EMPTY,
	DISCARD, READ_DISCARDED, WRITE_FILLED, READ_FILLED, DISCARD_FILLED,
	NR_OPS
};

#define MAX_DISKS	2

static const char *const op_names[NR_OPS] = {
	[WRITE_FIRST] = "write-first",
	[WRITE_SAME_DATA] = "overwrite-same",
	[WRITE_OTHER_DATA] = "overwrite-changed",
	[READ] = "read",
	[READ_EMPTY] = "read-empty",
	[DISCARD] = "discard",
	[READ_DISCARDED] = "read-discarded",
	[WRITE_FILLED] = "write-filled",
	[READ_FILLED] = "read-filled",
	[DISCARD_FILLED] = "discard-filled",
};

static struct {
	const char *name;
	int fd;
	struct tally tallies[NR_OPS];
} disks[MAX_DISKS];
static unsigned int nr_disks = 1;
static double ratios[NR_OPS];	/* of the second disk to the first, last pass */

static const char *corpus_path;
static size_t block = MIB;
static unsigned int passes = 3;
static bool contiguous, shuffled, blind;
static const char *reset_command;
static bool skipped[NR_OPS];
static size_t limit = SIZE_MAX;

static size_t *order;		/* of requests: the number of the block */

static void usage(FILE *to)
{
	fprintf(to,
"Usage: insn-io [OPTIONS] CORPUS\n"
"  --device NAME     disk to reset and use (default zram0)\n"
"  --beside NAME     second disk, which takes turns with it (wants --typical)\n"
"  --algorithm NAME  compression (default lz4)\n"
"  --block BYTES     size of a request (default 1048576)\n"
"  --contiguous      requests lie in one piece of memory; default is that no two\n"
"                    of their pages are neighbours\n"
"  --random          requests in random order, the same one each time\n"
"  --mib N           use only the first N MiB of the corpus\n"
"  --reset COMMAND   has the disk emptied, where it is no compressed one: no attributes\n"
"                    are used, and nothing of pages with one filling is measured\n"
"  --blind           compare nothing: the disk does not keep its data\n"
"  --typical         take the middle one of the requests for all of them\n"
"  --passes N        passes, the first one not counted (default 3)\n"
"Exit status: 0 done, 1 wrong data came back, 2 usage or setup.\n");
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "beside", required_argument, NULL, 's' },
		{ "algorithm", required_argument, NULL, 'a' },
		{ "block", required_argument, NULL, 'b' },
		{ "contiguous", no_argument, NULL, 'c' },
		{ "random", no_argument, NULL, 'r' },
		{ "reset", required_argument, NULL, 'R' },
		{ "blind", no_argument, NULL, 'B' },
		{ "typical", no_argument, NULL, 't' },
		{ "mib", required_argument, NULL, 'm' },
		{ "passes", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int opt;

	disks[0].name = "zram0";
	algorithm = "lz4";
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case 'd':
			disks[0].name = optarg;
			break;
		case 's':
			disks[1].name = optarg;
			nr_disks = 2;
			break;
		case 'a':
			algorithm = optarg;
			break;
		case 'b':
			block = parse_number("block", optarg, TEST_BLOCK, MIB);
			break;
		case 'c':
			contiguous = true;
			break;
		case 'r':
			shuffled = true;
			break;
		case 'R':
			reset_command = optarg;
			break;
		case 'B':
			blind = true;
			break;
		case 't':
			count_typical = true;
			break;
		case 'm':
			limit = parse_number("mib", optarg, 1, 1 << 20) * MIB;
			break;
		case 'p':
			passes = parse_number("passes", optarg, 2, 100);
			break;
		case 'h':
			usage(stdout);
			exit(RC_OK);
		default:
			usage(stderr);
			exit(RC_SETUP);
		}
	}
	if (optind + 1 != argc || MIB % block || (nr_disks > 1 && !count_typical)) {
		usage(stderr);
		exit(RC_SETUP);
	}
	corpus_path = argv[optind];
}

/* The disk that insn-disk.h is about. */
static void take_disk(unsigned int nr)
{
	device = disks[nr].name;
	fd = disks[nr].fd;
}

/* A device without content, twice the size of the corpus or larger. */
static void empty_device(void)
{
	if (!reset_command) {
		empty_disk(2 * size);
		return;
	}
	close_disk();
	if (system(reset_command))
		die("'%s' failed", reset_command);
	open_disk();
}

/* What a disk other than a compressed one has no use for, or cannot do. */
static void choose_operations(void)
{
	uint64_t discard = 0;
	const char *path = attribute("queue/discard_max_bytes");
	FILE *file;

	if (!reset_command)
		return;
	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64, &discard) != 1)
		die_errno("%s", path);
	fclose(file);
	skipped[DISCARD] = skipped[READ_DISCARDED] = !discard;
	skipped[WRITE_FILLED] = skipped[READ_FILLED] = skipped[DISCARD_FILLED] = true;
}

static void empty_devices(void)
{
	for (unsigned int nr = 0; nr < nr_disks; nr++) {
		take_disk(nr);
		empty_device();
		disks[nr].fd = fd;
	}
}

static bool is_read(enum op op)
{
	return op == READ || op == READ_EMPTY || op == READ_DISCARDED || op == READ_FILLED;
}

/* The requests before a read were overwrites with the next page's data. */
static void check_block(enum op op, size_t at)
{
	static const char zero[TEST_BLOCK];
	static char filled[TEST_BLOCK];

	memset(filled, 'f', sizeof(filled));
	for (size_t i = 0; i < block; i += TEST_BLOCK) {
		const char *want = op == READ ? corpus + TEST_BLOCK + at + i :
				   op == READ_FILLED ? filled : zero;

		if (memcmp(buffer + i, want, TEST_BLOCK)) {
			fprintf(stderr, "insn-io: %s, %s: wrong data at offset %zu\n",
				device, op_names[op], at + i);
			exit(RC_MISMATCH);
		}
	}
}

static bool request(enum op op, size_t at)
{
	uint64_t range[2] = { at, block };

	switch (op) {
	case WRITE_FIRST:
	case WRITE_SAME_DATA:
		return pwrite(fd, corpus + at, block, at) == (ssize_t)block;
	case WRITE_OTHER_DATA:
		return pwrite(fd, corpus + TEST_BLOCK + at, block, at) == (ssize_t)block;
	case WRITE_FILLED:
		return pwrite(fd, buffer, block, at) == (ssize_t)block;
	case READ_EMPTY:
		return pread(fd, buffer, block, size + at) == (ssize_t)block;
	case READ:
	case READ_DISCARDED:
	case READ_FILLED:
		return pread(fd, buffer, block, at) == (ssize_t)block;
	default:
		return !ioctl(fd, BLKDISCARD, range);
	}
}

/* Whoever comes second finds the data in the cache, so the first one has to as well. */
static void touch(size_t at)
{
	volatile const char *data = corpus + at;

	for (size_t i = 0; i <= block; i += 64)
		data[i];
}

static void operate_one(enum op op, unsigned int nr, size_t at)
{
	bool ok;

	take_disk(nr);
	memset(buffer, op == WRITE_FILLED ? 'f' : 0xee, block);
	count_begin();
	ok = request(op, at);
	count_end(&disks[nr].tallies[op]);
	if (!ok)
		die_errno("%s, %s at %zu", device, op_names[op], at);
	if (is_read(op) && !blind)
		check_block(op, at);
}

static int compare_ratios(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* Samples are in the order of the requests still. */
static void compare_disks(enum op op)
{
	static double ratio[MAX_SAMPLES];
	const struct tally *first = &disks[0].tallies[op], *second = &disks[1].tallies[op];

	for (size_t i = 0; i < first->nr_samples; i++)
		ratio[i] = (double)second->sample[i] / first->sample[i];
	qsort(ratio, first->nr_samples, sizeof(*ratio), compare_ratios);
	ratios[op] = ratio[first->nr_samples / 2];
}

static void operate(enum op op, unsigned int pass)
{
	for (size_t i = 0; i < size / block; i++) {
		if (nr_disks > 1)
			touch(order[i] * block);
		for (unsigned int turn = 0; turn < nr_disks; turn++)
			operate_one(op, (turn + i) % nr_disks, order[i] * block);
	}
	if (nr_disks > 1)
		compare_disks(op);
	for (unsigned int nr = 0; nr < nr_disks; nr++)
		count_pass(&disks[nr].tallies[op], pass);
}

static void report_memory(void)
{
	uint64_t orig, compressed, used;
	const char *path = attribute("mm_stat");
	FILE *file;

	file = fopen(path, "r");
	if (!file || fscanf(file, "%" SCNu64 "%" SCNu64 "%" SCNu64,
			    &orig, &compressed, &used) != 3)
		die_errno("%s", path);
	fclose(file);
	printf("memory %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", orig, compressed, used);
}

static void report(void)
{
	char unit[32];

	snprintf(unit, sizeof(unit), "%zuk%s", block / 1024, contiguous ? "-contiguous" : "");
	for (int op = 0; op < NR_OPS; op++) {
		const struct tally *second = &disks[1].tallies[op];

		if (skipped[op])
			continue;
		count_report(&disks[0].tallies[op], unit);
		if (nr_disks > 1)
			printf("beside %s %s %" PRIu64 " %" PRIu64 " %.4f\n", op_names[op], unit,
			       second->pages, second->least, ratios[op]);
	}
}

static void start_tallies(void)
{
	for (unsigned int nr = 0; nr < nr_disks; nr++) {
		disks[nr].fd = -1;
		for (int op = 0; op < NR_OPS; op++) {
			disks[nr].tallies[op].name = op_names[op];
			disks[nr].tallies[op].pages = size / TEST_BLOCK;
		}
	}
}

static void choose_order(void)
{
	size_t n = size / block, other, swap;
	struct rng rng;

	order = calloc(n, sizeof(*order));
	if (!order)
		die("out of memory");
	rng_init(&rng, 1);
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n - 1; shuffled && i; i--) {
		other = rng_below(&rng, i + 1);
		swap = order[i];
		order[i] = order[other];
		order[other] = swap;
	}
}

int main(int argc, char **argv)
{
	parse_options(argc, argv);
	corpus = load_corpus(corpus_path, contiguous, &size);
	if (size > limit)
		size = limit;
	choose_order();
	start_tallies();
	take_disk(0);
	choose_operations();
	buffer = bench_memory(MIB, contiguous);
	become_undisturbed();
	for (unsigned int pass = 0; pass < passes; pass++) {
		empty_devices();
		for (int op = 0; op < NR_OPS; op++) {
			if (!skipped[op])
				operate(op, pass);
			if (op == WRITE_FIRST && !reset_command && nr_disks == 1 &&
			    pass + 1 == passes)
				report_memory();
		}
	}
	report();
	return RC_OK;
}
