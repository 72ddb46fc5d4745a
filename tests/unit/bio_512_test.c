// SPDX-License-Identifier: GPL-2.0
/* The suite of bio_test.c once more, with blocks smaller than pages. */
#define ZMRAM_BLOCK_SHIFT	9
#define BIO_TEST_NAME		zmram_bio_512

#include "bio_test.c"
