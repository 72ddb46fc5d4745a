// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU TCG plugin: which code the instructions of a benchmark's windows
 * (window.h) are spent in, and from where it was called. For guests with one
 * processor. Load with -plugin insn-plugin.so,out=FILE.
 *
 * Counts blocks of translated code, each with the return address on top of a
 * shadow stack, which is kept by watching blocks that end in a call and blocks
 * that return. At each end of an operation everything counted is written out,
 *
 *	OPERATION CODE CALLED-FROM ENTRIES INSTRUCTIONS
 *
 * with addresses in hexadecimal, OPERATION counting from 0. ENTRIES is how often
 * the code was entered by a call.
 *
 * The plugin interface, version 1, is declared here since Debian 12 has no
 * package with its header.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "window.h"

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*vcpu_cb)(unsigned int vcpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, vcpu_cb cb, int flags,
		void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, vcpu_cb cb,
		int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

#define EXPORT		__attribute__((visibility("default")))
#define SLOTS		(1U << 18)
#define DEPTH		512
#define SEARCH		16	/* frames that one return may leave */

EXPORT int qemu_plugin_version = 1;

enum exit_kind { EXIT_JUMP, EXIT_CALL, EXIT_RETURN };

/* One block of translated code. */
struct code {
	uint64_t start, end;
	uint32_t insns;
	enum exit_kind exit;
};

struct count {
	uint64_t code, from, entries, insns;
};

static FILE *out;
static bool counting;
static unsigned int operation;
static struct count counts[SLOTS];
static unsigned int used;
static uint64_t stack[DEPTH];
static unsigned int depth;
static const struct code *previous;

static struct count *count_find(uint64_t code, uint64_t from)
{
	uint64_t hash = (code * 0x9e3779b97f4a7c15ULL) ^ (from * 0xc2b2ae3d27d4eb4fULL);
	unsigned int i = (hash >> 40) % SLOTS;

	while (counts[i].insns && (counts[i].code != code || counts[i].from != from))
		i = (i + 1) % SLOTS;
	if (!counts[i].insns) {
		if (++used > SLOTS / 2) {
			fprintf(stderr, "insn-plugin: too much code for the table\n");
			exit(1);
		}
		counts[i].code = code;
		counts[i].from = from;
	}
	return &counts[i];
}

/* Drops the frames that a return to @addr leaves; one if it knows none. */
static void stack_return(uint64_t addr)
{
	for (unsigned int i = 1; i <= SEARCH && i <= depth; i++) {
		if (stack[depth - i] == addr) {
			depth -= i;
			return;
		}
	}
	if (depth)
		depth--;
}

static bool stack_follow(const struct code *code)
{
	if (!previous)
		return false;
	if (previous->exit == EXIT_RETURN) {
		stack_return(code->start);
	} else if (previous->exit == EXIT_CALL && code->start != previous->end) {
		if (depth == DEPTH)
			depth = 0;
		stack[depth++] = previous->end;
		return true;
	}
	return false;
}

static void on_code(unsigned int vcpu, void *data)
{
	const struct code *code = data;
	bool entered = stack_follow(code);

	(void)vcpu;
	previous = code;
	if (counting) {
		struct count *count = count_find(code->start, depth ? stack[depth - 1] : 0);

		count->insns += code->insns;
		count->entries += entered;
	}
}

static void write_out(void)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (counts[i].insns)
			fprintf(out, "%u %" PRIx64 " %" PRIx64 " %" PRIu64 " %" PRIu64 "\n",
				operation, counts[i].code, counts[i].from,
				counts[i].entries, counts[i].insns);
	}
	fflush(out);
	memset(counts, 0, sizeof(counts));
	used = 0;
	operation++;
}

static void on_mark(unsigned int vcpu, void *data)
{
	(void)vcpu;
	switch ((uintptr_t)data) {
	case WINDOW_OPEN:
		counting = true;
		depth = 0;
		break;
	case WINDOW_CLOSE:
		counting = false;
		break;
	default:
		write_out();
	}
}

static uint32_t mark_of(const struct qemu_plugin_insn *insn)
{
	static const uint8_t nopl[] = { 0x0f, 0x1f, 0x84, 0x00 };
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	uint32_t mark;

	if (qemu_plugin_insn_size(insn) != 8 || memcmp(bytes, nopl, sizeof(nopl)))
		return 0;
	memcpy(&mark, bytes + sizeof(nopl), sizeof(mark));
	return mark >= WINDOW_OPEN && mark <= WINDOW_NEXT ? mark : 0;
}

static enum exit_kind exit_of(const struct qemu_plugin_insn *insn)
{
	const uint8_t *bytes = qemu_plugin_insn_data(insn);
	const uint8_t *end = bytes + qemu_plugin_insn_size(insn);

	/* Prefixes: segment, operand size, REX. */
	while (bytes < end - 1 && (*bytes == 0x2e || *bytes == 0x3e || *bytes == 0x66 ||
				   *bytes == 0xf3 || (*bytes & 0xf0) == 0x40))
		bytes++;
	if (*bytes == 0xe8 || (*bytes == 0xff && (bytes[1] & 0x38) == 0x10))
		return EXIT_CALL;
	return *bytes == 0xc3 || *bytes == 0xc2 ? EXIT_RETURN : EXIT_JUMP;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
	struct code *code = malloc(sizeof(*code));

	(void)id;
	if (!code)
		abort();
	code->start = qemu_plugin_tb_vaddr(tb);
	code->end = qemu_plugin_insn_vaddr(last) + qemu_plugin_insn_size(last);
	code->insns = n;
	code->exit = exit_of(last);
	qemu_plugin_register_vcpu_tb_exec_cb(tb, on_code, 0, code);
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uintptr_t mark = mark_of(insn);

		if (mark)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, 0, (void *)mark);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
	}
	if (!out) {
		fprintf(stderr, "insn-plugin: cannot write to out=FILE\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
