# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the scripts of this folder share. Sourced, never run.

me=${0##*/}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
top=$(dirname "$here")

# What is cached is for everyone, and guests' files are for their nobody too.
umask 022

# Overridable: where downloads are kept, what is built, and where to.
MPMC_CACHE=${MPMC_CACHE:-$top/.cache}
MPMC_SRC=${MPMC_SRC:-$top}
MPMC_BUILD=${MPMC_BUILD:-$MPMC_SRC/build}

say() {
	printf '%s: %s\n' "$me" "$*" >&2
}

# The status for "this script could not do its work" is 125, as env(1) and
# timeout(1) have it, so that it cannot be taken for a test's own.
die() {
	say "$*"
	exit 125
}

# Prints the comment at the head of the script: its manual.
usage() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0"
}

# need COMMAND... : says which group of packages brings a missing command.
need() {
	local cmd
	for cmd in "$@"; do
		command -v "$cmd" >/dev/null || [ -x "/usr/sbin/$cmd" ] ||
			die "$cmd is not installed; run '$here/deps' as root"
	done
}

# One at a time per NAME; released when this process ends.
lock() {
	local fd
	{ mkdir -p "$MPMC_CACHE/locks" && exec {fd}>"$MPMC_CACHE/locks/$1"; } ||
		die "cannot write to $MPMC_CACHE; set MPMC_CACHE to another folder"
	flock "$fd"
}

# scratch DIR : a fresh folder $tmp in DIR, removed however the script ends.
scratch() {
	mkdir -p "$1"
	tmp=$(mktemp -d "$1/$me.XXXXXX") || die "cannot write to $1"
	chmod 755 "$tmp"
	trap 'rm -rf "$tmp"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
}

# copy_tree DIR : the project into a fresh folder, without what is built or downloaded.
copy_tree() {
	rm -rf "$1" && mkdir "$1" &&
		tar -C "$top" -c --exclude=./.git --exclude=./.cache --exclude=./build \
			--exclude='*.o' --exclude='*.ko' --exclude='*.mod*' . |
		tar -C "$1" -x
}

# download PACKAGE... : the .deb files, into the current folder. A package
# list that is missing or stale is brought up to date once; one that a mirror is just
# then changing does not come, and need not be the one it takes.
download() {
	say "downloading $*"
	apt_download "$@" && return
	(update_lists)
	apt_download "$@" || die "apt-get download failed for: $*"
}

apt_download() {
	apt-get -q -o APT::Sandbox::User=root "${apt_options[@]}" download "$@" >&2
}

update_lists() {
	[ "$(id -u)" = 0 ] || [ ${#apt_options[@]} -gt 0 ] ||
		die "the package lists are out of date; run 'apt-get update' as root"
	say "bringing the package lists up to date"
	apt-get -q -o APT::Sandbox::User=root "${apt_options[@]}" update >&2 || die "apt-get update failed"
}

# mirror debian|debian-security : the one this machine uses, or else Debian's.
mirror() {
	# shellcheck disable=SC2016 # apt-get expands it
	apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 2>/dev/null |
		grep -m 1 "/$1/*\$" || echo "http://deb.debian.org/$1"
}

# Where apt looks instead of this machine's own lists, if anywhere else, and of which
# release of Debian those are, if of another one.
apt_options=() apt_suite=

# use_lists NAME LINE... : from here on, packages are those of these sources, as in
# sources.list(5), in lists of our own: this machine's are not touched.
use_lists() {
	local dir=$MPMC_CACHE/apt-$1 signed='' keys=/usr/share/keyrings/debian-archive-keyring.gpg
	[ ! -f "$keys" ] || signed="[signed-by=$keys] "
	mkdir -p "$dir/lists/partial" "$dir/archives/partial" "$dir/none" || die "cannot write to $MPMC_CACHE"
	printf "deb $signed%s\n" "${@:2}" >"$dir/sources.list"
	apt_options=(-o "Dir::Etc::SourceList=$dir/sources.list" -o "Dir::Etc::SourceParts=$dir/none"
		     -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir" -o "Debug::NoLocking=true")
}

# Those of another Debian release and its backports.
# shellcheck disable=SC2034 # fetch-kernel asks
use_suite() {
	apt_suite=$1
	use_lists "$1" "$(mirror debian) $1 main" "$(mirror debian) $1-backports main"
}

# Those of this machine's release for another architecture. What is to run here is
# asked for by NAME:amd64.
use_arch() {
	local codename
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
	use_lists "$1" "$(mirror debian) $codename main" "$(mirror debian-security) $codename-security main"
	apt_options+=(-o "APT::Architecture=$1" -o "APT::Architectures::=$1" -o APT::Architectures::=amd64)
}
