# SPDX-License-Identifier: GPL-2.0
#
# deb-symbols(5) of a library from the version script it is linked with: a node is named
# for the release that it came with, LIBMPMC_1.2 for 1.2.0.

BEGIN {
	printf "libmpmc.so.1 %s\n* Build-Depends-Package: libmpmc-dev\n", package
}
/^LIBMPMC_[0-9.]+ \{$/ {
	node = $1
	since = substr(node, 9) ".0"
	printf " %s@%s %s\n", node, node, since
}
/^\t\tmpmc_[a-z0-9_]+;$/ {
	sub(/;/, "")
	printf " %s@%s %s\n", $1, node, since
}
