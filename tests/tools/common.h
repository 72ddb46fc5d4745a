/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by the test programs of this folder: exit codes, error exits,
 * numbers from the command line, a clock, a small random generator, and the
 * content of test blocks. Everything is static inline, so that each program
 * stays one file.
 *
 * A test block is 4 KiB and is a function of (seed, id) alone, so that a
 * reader needs to remember no more than the id to know every word of it.
 */
#ifndef ZMRAM_TESTS_COMMON_H
#define ZMRAM_TESTS_COMMON_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TEST_BLOCK	4096
#define TEST_WORDS	(TEST_BLOCK / 8)
#define MIB		(1024UL * 1024UL)

enum {
	RC_OK		= 0,	/* everything as expected */
	RC_MISMATCH	= 1,	/* the thing under test gave a wrong answer */
	RC_SETUP	= 2,	/* bad usage, or the machine lacks something */
};

#define die(fmt, ...)							\
	do {								\
		fprintf(stderr, "%s: " fmt "\n",			\
			program_invocation_short_name, ##__VA_ARGS__);	\
		exit(RC_SETUP);						\
	} while (0)

#define die_errno(fmt, ...) die(fmt ": %s", ##__VA_ARGS__, strerror(errno))

static inline uint64_t parse_number(const char *option, const char *text,
				    uint64_t min, uint64_t max)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' ||
	    value < min || value > max)
		die("--%s wants a number from %" PRIu64 " to %" PRIu64
		    ", got '%s'; see --help", option, min, max, text);
	return value;
}

static inline double now_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* Finaliser of splitmix64: one number in, a well spread one out. */
static inline uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* xorshift64*: fast enough that filling a page costs less than compressing it. */
struct rng {
	uint64_t state;
};

static inline void rng_init(struct rng *r, uint64_t seed)
{
	r->state = mix64(seed) | 1;
}

static inline uint64_t rng_next(struct rng *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1dULL;
}

static inline uint64_t rng_below(struct rng *r, uint64_t bound)
{
	return (rng_next(r) >> 11) % bound;
}

enum block_kind {
	KIND_ZERO,	/* all zero */
	KIND_SAME,	/* one word repeated */
	KIND_PACKED,	/* compresses to roughly 30 % */
	KIND_RANDOM,	/* does not compress */
};

static inline const char *kind_name(enum block_kind kind)
{
	static const char * const names[] = {
		[KIND_ZERO] = "zero", [KIND_SAME] = "same-filled",
		[KIND_PACKED] = "compressible", [KIND_RANDOM] = "incompressible",
	};

	return names[kind];
}

/*
 * One block in ten is same-filled; of the rest @compressible per cent
 * compress. At 65 the whole comes to about 2:1 with lz4.
 */
static inline enum block_kind block_kind(uint64_t seed, uint64_t id,
					 unsigned int compressible)
{
	uint64_t key = mix64(seed ^ mix64(id));

	if (!id)
		return KIND_ZERO;
	if (key % 10 == 0)
		return KIND_SAME;
	return (key >> 8) % 100 < compressible ? KIND_PACKED : KIND_RANDOM;
}

static inline void fill_random(uint64_t *words, struct rng *r)
{
	for (int i = 0; i < TEST_WORDS; i++)
		words[i] = rng_next(r);
}

/* 32 fresh bytes, then the same 32 bytes three times more, and so on. */
static inline void fill_packed(uint64_t *words, struct rng *r)
{
	for (int i = 0; i < TEST_WORDS; i++)
		words[i] = i % 16 < 4 ? rng_next(r) : words[i - 4];
}

/*
 * Block @id: zeroes for id 0; else word 0 is the id itself, so that a reader
 * can ask a block who it is, and the rest follows from (seed, id).
 */
static inline void block_fill(uint64_t *words, uint64_t seed, uint64_t id,
			      unsigned int compressible)
{
	struct rng r;

	rng_init(&r, seed ^ mix64(id));
	switch (block_kind(seed, id, compressible)) {
	case KIND_ZERO:
		memset(words, 0, TEST_BLOCK);
		return;
	case KIND_SAME:
		for (int i = 0; i < TEST_WORDS; i++)
			words[i] = id;
		return;
	case KIND_PACKED:
		fill_packed(words, &r);
		break;
	case KIND_RANDOM:
		fill_random(words, &r);
		break;
	}
	words[0] = id;
}

/* Index of the first word that differs, or -1. */
static inline int first_difference(const uint64_t *got, const uint64_t *want)
{
	if (!memcmp(got, want, TEST_BLOCK))
		return -1;
	for (int i = 0; i < TEST_WORDS; i++)
		if (got[i] != want[i])
			return i;
	return -1;
}

static inline int count_differences(const uint64_t *got, const uint64_t *want)
{
	int n = 0;

	for (int i = 0; i < TEST_WORDS; i++)
		n += got[i] != want[i];
	return n;
}

#endif
