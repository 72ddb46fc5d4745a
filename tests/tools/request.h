/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shape of one direct I/O request: which blocks of the device, and the user
 * buffers they travel in. Buffers begin anywhere that is a multiple of the
 * chosen alignment, hold whole blocks, and never overlap.
 */
#ifndef ZMRAM_TESTS_REQUEST_H
#define ZMRAM_TESTS_REQUEST_H

#include <sys/uio.h>

#include "common.h"

#define MAX_PIECES	8
#define MAX_BLOCKS	512	/* 2 MiB */
#define ARENA_SIZE	(MAX_BLOCKS * TEST_BLOCK + (MAX_PIECES + 1) * TEST_BLOCK)

struct request {
	uint64_t block;
	unsigned int blocks;
	int pieces;
	struct iovec iov[MAX_PIECES];
};

/* Address of block number @i of the request; a block never spans two iovecs. */
static inline uint64_t *request_block(const struct request *rq, unsigned int i)
{
	size_t at = (size_t)i * TEST_BLOCK;
	int piece = 0;

	while (at >= rq->iov[piece].iov_len)
		at -= rq->iov[piece++].iov_len;
	return (uint64_t *)((char *)rq->iov[piece].iov_base + at);
}

/*
 * Cut the request into a random number of buffers laid out in @arena, each
 * beginning at some multiple of @align in its page.
 */
static inline void request_cut(struct request *rq, struct rng *rng, char *arena,
			       unsigned int align)
{
	unsigned int left = rq->blocks;
	char *at = arena;

	rq->pieces = 1 + rng_below(rng, rq->blocks < MAX_PIECES ? rq->blocks : MAX_PIECES);
	for (int i = 0; i < rq->pieces; i++) {
		unsigned int rest = rq->pieces - 1 - i;
		unsigned int n = rest ? 1 + rng_below(rng, left - rest) : left;

		at += align * rng_below(rng, TEST_BLOCK / align);
		rq->iov[i] = (struct iovec) { at, (size_t)n * TEST_BLOCK };
		at += (size_t)n * TEST_BLOCK;
		left -= n;
	}
}

static inline void request_describe(const struct request *rq)
{
	fprintf(stderr, "  request: block %" PRIu64 ", %u blocks, %d iovecs, buffer offsets in page:",
		rq->block, rq->blocks, rq->pieces);
	for (int i = 0; i < rq->pieces; i++)
		fprintf(stderr, " %lu+%zu", (uintptr_t)rq->iov[i].iov_base % TEST_BLOCK,
			rq->iov[i].iov_len);
	fputc('\n', stderr);
}

#endif
