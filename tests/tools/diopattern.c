// SPDX-License-Identifier: GPL-2.0
/*
 * diopattern: direct I/O with legal but odd requests, against a model in
 * memory. Buffers start at any multiple of 512 inside a page, requests are
 * cut into several iovecs of 4 KiB to 2 MiB in all, blocks are overwritten
 * with data of other compressibility, discarded and zeroed, and misaligned
 * requests must be refused. Proves that no segment layout mixes up blocks.
 *
 * Every 4 KiB block holds an id (generation of the write, block number). With
 * a range for each thread the model knows the id of each block; with --shared
 * a block must hold, as a whole, something that some write put there.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <getopt.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "request.h"

#define MAX_THREADS	32
#define BLOCK_BITS	24			/* of an id; the rest is the generation */
#define BLOCK_MASK	((1ULL << BLOCK_BITS) - 1)
#define COMPRESSIBLE	50

static struct {
	const char *dev;
	uint64_t blocks, ops, seed;
	double seconds;
	unsigned int threads, buf_align;
	bool shared, no_discard, plant_fault;
} opt = { .ops = UINT64_MAX, .seed = 1, .seconds = 10, .threads = 2, .buf_align = 512 };

static int fd;
static bool is_file;
static unsigned int sector;		/* logical block size of the device */
static uint64_t device_bytes;
static uint64_t *expected;		/* id of each block; 0 = zeroes */
static atomic_ullong generation;
static atomic_ulong n_written, n_read, n_discarded, n_zeroed, n_unsupported, n_refused;

struct worker {
	pthread_t thread;
	uint64_t first, count;
	struct rng rng;
	char *arena;
};

/* Of several threads that find a mistake only the first one speaks. */
static void claim_report(void)
{
	static atomic_flag taken = ATOMIC_FLAG_INIT;

	while (atomic_flag_test_and_set(&taken))
		pause();
}

/* Ends the program at once: the state of the device is evidence. */
static void __attribute__((noreturn)) fail(const struct request *rq, const char *what)
{
	int err = errno;

	claim_report();
	fprintf(stderr, "diopattern: FAILED: %s (errno %d, %s)\n", what, err, strerror(err));
	request_describe(rq);
	_exit(RC_MISMATCH);
}

static void __attribute__((noreturn)) mismatch(const struct request *rq, uint64_t block,
					       uint64_t id, const uint64_t *got,
					       const uint64_t *want)
{
	int word = first_difference(got, want);

	claim_report();
	fprintf(stderr, "diopattern: MISMATCH block %" PRIu64 " (byte %" PRIu64 ")\n"
		"  expected generation %" PRIu64 " (%s)\n"
		"  word %d expected %016" PRIx64 " found %016" PRIx64 ", %d of %d words differ\n"
		"  first word found: generation %" PRIu64 " of block %" PRIu64 "\n",
		block, block * TEST_BLOCK, id >> BLOCK_BITS,
		kind_name(block_kind(opt.seed, id, COMPRESSIBLE)), word, want[word], got[word],
		count_differences(got, want), TEST_WORDS, got[0] >> BLOCK_BITS,
		(uint64_t)(got[0] & BLOCK_MASK));
	request_describe(rq);
	_exit(RC_MISMATCH);
}

/* With --shared the block itself says which write it claims to be. */
static uint64_t wanted_id(uint64_t block, const uint64_t *got)
{
	uint64_t id = got[0];

	if (!opt.shared)
		return expected[block];
	if ((id & BLOCK_MASK) == block && id >> BLOCK_BITS <= atomic_load(&generation))
		return id;
	return 0;
}

static void check_block(const struct request *rq, uint64_t block, const uint64_t *got)
{
	uint64_t want[TEST_WORDS], id = wanted_id(block, got);

	block_fill(want, opt.seed, id, COMPRESSIBLE);
	if (first_difference(got, want) >= 0)
		mismatch(rq, block, id, got, want);
}

static void random_request(struct worker *w, struct request *rq)
{
	rq->blocks = 1 + rng_below(&w->rng, 1 << rng_below(&w->rng, 10));
	if (rq->blocks > w->count)
		rq->blocks = w->count;
	rq->block = w->first + rng_below(&w->rng, w->count - rq->blocks + 1);
	request_cut(rq, &w->rng, w->arena, opt.buf_align);
}

static void do_write(struct request *rq)
{
	uint64_t gen = atomic_fetch_add(&generation, 1) + 1;

	for (unsigned int i = 0; i < rq->blocks; i++)
		block_fill(request_block(rq, i), opt.seed,
			   gen << BLOCK_BITS | (rq->block + i), COMPRESSIBLE);
	if (pwritev(fd, rq->iov, rq->pieces, rq->block * TEST_BLOCK) != rq->blocks * TEST_BLOCK)
		fail(rq, "a legal write failed or was short");
	for (unsigned int i = 0; i < rq->blocks && !opt.shared; i++)
		expected[rq->block + i] = gen << BLOCK_BITS | (rq->block + i);
	atomic_fetch_add(&n_written, rq->blocks);
}

static void do_read(struct request *rq)
{
	for (int i = 0; i < rq->pieces; i++)
		memset(rq->iov[i].iov_base, 0xa5, rq->iov[i].iov_len);
	if (preadv(fd, rq->iov, rq->pieces, rq->block * TEST_BLOCK) != rq->blocks * TEST_BLOCK)
		fail(rq, "a legal read failed or was short");
	for (unsigned int i = 0; i < rq->blocks; i++)
		check_block(rq, rq->block + i, request_block(rq, i));
	atomic_fetch_add(&n_read, rq->blocks);
}

static void do_clear(struct request *rq, unsigned long ioctl_nr, atomic_ulong *counter)
{
	uint64_t range[2] = { rq->block * TEST_BLOCK, rq->blocks * TEST_BLOCK };
	int rc = is_file ? fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				     range[0], range[1]) : ioctl(fd, ioctl_nr, range);

	if (rc && errno == EOPNOTSUPP) {
		atomic_fetch_add(&n_unsupported, 1);
		return;
	}
	if (rc)
		fail(rq, ioctl_nr == BLKDISCARD ? "BLKDISCARD failed" : "BLKZEROOUT failed");
	for (unsigned int i = 0; i < rq->blocks && !opt.shared; i++)
		expected[rq->block + i] = 0;
	atomic_fetch_add(counter, rq->blocks);
}

/* Odd start or odd length: must be refused and must change nothing. */
static void do_misaligned(struct worker *w, struct request *rq)
{
	unsigned int odd = sector > 512 ? 512 : 256;
	off_t at = rq->block * TEST_BLOCK;
	ssize_t n;

	if (is_file)	/* a file system may serve it through the page cache */
		return;
	rq->pieces = 1;
	if (rng_below(&w->rng, 2))
		rq->iov[0].iov_len -= odd;
	else
		at += odd;
	n = rng_below(&w->rng, 2) ? pwritev(fd, rq->iov, 1, at) : preadv(fd, rq->iov, 1, at);
	if (n >= 0 || errno != EINVAL)
		fail(rq, "a misaligned request was not refused with EINVAL");
	atomic_fetch_add(&n_refused, 1);
}

static void do_past_end(struct request *rq)
{
	if (is_file)
		return;
	if (preadv(fd, rq->iov, rq->pieces, device_bytes) != 0)
		fail(rq, "a read at the end of the device did not return 0");
	if (pwritev(fd, rq->iov, rq->pieces, device_bytes) >= 0 || errno != ENOSPC)
		fail(rq, "a write at the end of the device did not fail with ENOSPC");
	atomic_fetch_add(&n_refused, 2);
}

static void one_step(struct worker *w)
{
	unsigned int dice = rng_below(&w->rng, 100);
	struct request rq;

	random_request(w, &rq);
	if (dice < 50)
		do_write(&rq);
	else if (dice < 84)
		do_read(&rq);
	else if (dice < 90 && !opt.no_discard)
		do_clear(&rq, BLKDISCARD, &n_discarded);
	else if (dice < 96)
		do_clear(&rq, BLKZEROOUT, &n_zeroed);
	else if (dice < 99)
		do_misaligned(w, &rq);
	else
		do_past_end(&rq);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	double end = now_seconds() + opt.seconds;

	for (uint64_t i = 0; i < opt.ops && now_seconds() < end; i++)
		one_step(w);
	return NULL;
}

static void whole_range(struct worker *w, void (*action)(struct request *rq))
{
	struct request rq = { .pieces = 1 };

	for (rq.block = 0; rq.block < opt.blocks; rq.block += rq.blocks) {
		uint64_t left = opt.blocks - rq.block;

		rq.blocks = left < MAX_BLOCKS ? left : MAX_BLOCKS;
		rq.iov[0] = (struct iovec) { w->arena, (size_t)rq.blocks * TEST_BLOCK };
		action(&rq);
	}
}

/* One bit of one block, behind the model's back. */
static void plant_fault(struct worker *w)
{
	struct request rq = { .block = opt.blocks / 2, .blocks = 1, .pieces = 1,
			      .iov = { { w->arena, TEST_BLOCK } } };

	do_write(&rq);
	w->arena[TEST_BLOCK / 2] ^= 1;
	if (pwritev(fd, rq.iov, 1, rq.block * TEST_BLOCK) != TEST_BLOCK)
		fail(&rq, "cannot write the planted fault");
}

static void start_worker(struct worker *w, unsigned int i)
{
	w->first = opt.shared ? 0 : opt.blocks * i / opt.threads;
	w->count = opt.shared ? opt.blocks : opt.blocks * (i + 1) / opt.threads - w->first;
	rng_init(&w->rng, opt.seed * MAX_THREADS + i);
	w->arena = aligned_alloc(TEST_BLOCK, ARENA_SIZE);
	if (!w->arena)
		die("out of memory");
}

static void run(void)
{
	static struct worker workers[MAX_THREADS];

	for (unsigned int i = 0; i < opt.threads; i++)
		start_worker(&workers[i], i);
	whole_range(&workers[0], do_write);
	for (unsigned int i = 0; i < opt.threads; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("cannot start thread %u; use a smaller --threads", i);
	for (unsigned int i = 0; i < opt.threads; i++)
		pthread_join(workers[i].thread, NULL);
	if (opt.plant_fault)
		plant_fault(&workers[0]);
	whole_range(&workers[0], do_read);
}

static void open_device(void)
{
	struct stat st;
	int ssz = 512;

	fd = open(opt.dev, O_RDWR | O_DIRECT);
	if (fd < 0 || fstat(fd, &st))
		die_errno("cannot open %s for direct I/O", opt.dev);
	is_file = S_ISREG(st.st_mode);
	device_bytes = st.st_size;
	if (!is_file && (ioctl(fd, BLKGETSIZE64, &device_bytes) || ioctl(fd, BLKSSZGET, &ssz)))
		die_errno("%s is neither a file nor a block device", opt.dev);
	sector = ssz;
	if (!opt.blocks)
		opt.blocks = device_bytes / TEST_BLOCK;
	if (!opt.blocks || opt.blocks * TEST_BLOCK > device_bytes || opt.blocks > BLOCK_MASK)
		die("%s has %" PRIu64 " bytes; choose a --size-mib that fits", opt.dev, device_bytes);
	if (opt.blocks < opt.threads)
		die("fewer blocks than threads");
	expected = calloc(opt.blocks, sizeof(*expected));
	if (!expected)
		die("out of memory");
}

static void usage(void)
{
	printf("Usage: diopattern --dev DEV [options]      (destroys the data on DEV)\n\n"
	       "  --dev DEV       block device or file\n"
	       "  --size-mib N    use the first N MiB (default: all)\n"
	       "  --seconds S     length of the random phase (default 10)\n"
	       "  --ops N         stop each thread after N requests\n"
	       "  --threads T     threads (default 2), each on a range of its own\n"
	       "  --shared        all threads on one range: a block must be one whole write\n"
	       "  --seed X        start of the random numbers (default 1)\n"
	       "  --buf-align N   buffers start at multiples of N: 512 (default) to 4096\n"
	       "  --no-discard    no BLKDISCARD (where a discard need not zero)\n"
	       "  --plant-fault   flip one bit before the final check: must end with status 1\n"
	       "  --help          this text\n\n"
	       "Exit status: 0 all right, 1 the first wrong answer, 2 bad usage or set-up.\n");
	exit(RC_OK);
}

static void parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dev", required_argument, NULL, 'd' }, { "size-mib", required_argument, NULL, 'm' },
		{ "seconds", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' },
		{ "threads", required_argument, NULL, 't' }, { "shared", no_argument, NULL, 'S' },
		{ "seed", required_argument, NULL, 'x' }, { "buf-align", required_argument, NULL, 'a' },
		{ "no-discard", no_argument, NULL, 'D' }, { "plant-fault", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' }, { }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd': opt.dev = optarg; break;
		case 'm': opt.blocks = parse_number("size-mib", optarg, 1, 1 << 16) * MIB / TEST_BLOCK; break;
		case 's': opt.seconds = parse_number("seconds", optarg, 0, 1 << 20); break;
		case 'o': opt.ops = parse_number("ops", optarg, 0, UINT64_MAX); break;
		case 't': opt.threads = parse_number("threads", optarg, 1, MAX_THREADS); break;
		case 'x': opt.seed = parse_number("seed", optarg, 0, UINT64_MAX / MAX_THREADS); break;
		case 'a': opt.buf_align = parse_number("buf-align", optarg, 512, TEST_BLOCK); break;
		case 'S': opt.shared = true; break;
		case 'D': opt.no_discard = true; break;
		case 'f': opt.plant_fault = true; break;
		case 'h': usage(); break;
		default: die("see --help");
		}
	}
	if (optind != argc || !opt.dev || TEST_BLOCK % opt.buf_align || opt.buf_align % 512)
		die("give --dev, a --buf-align of 512, 1024, 2048 or 4096, and no other words; see --help");
}

int main(int argc, char **argv)
{
	double start = now_seconds();

	parse_options(argc, argv);
	open_device();
	run();
	printf("diopattern written=%lu read=%lu discarded=%lu zeroed=%lu unsupported=%lu refused=%lu mismatches=0 seconds=%.1f\n",
	       atomic_load(&n_written), atomic_load(&n_read), atomic_load(&n_discarded),
	       atomic_load(&n_zeroed), atomic_load(&n_unsupported), atomic_load(&n_refused),
	       now_seconds() - start);
	return RC_OK;
}
