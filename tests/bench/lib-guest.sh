# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# For the lanes' guest parts, which source it. They say what they do on lines with a
# "#", which are shown, and what they find on lines "result name=value ...".
#
# Environment, from scripts/bench: BENCH_TOOLS, BENCH_CORPUS; and what each lane has
# of its own.

set -euo pipefail
# shellcheck source=tests/lib.sh
. "$ZM_TOP/tests/lib.sh"
# shellcheck source=tests/lib-peers.sh
. "$ZM_TOP/tests/lib-peers.sh"

progress()
{
	echo "# $*"
}

# A lane that fails half-way leaves no results.
bench_failed()
{
	progress "failed in line $1: $2"
	dmesg | tail -n 5 | sed 's/^/# /'
}
trap 'bench_failed "$LINENO" "$BASH_COMMAND"' ERR

# corpus_load COMMAND [OPTIONS]: on the present disk, of which $disk_mib are used
corpus_load()
{
	"$BENCH_TOOLS/corpus-load" --device "/dev/$peer_disk" --corpus "$BENCH_CORPUS" \
		--mib "$disk_mib" --state "/tmp/state-$peer_disk" "${@:2}" "$1"
}
