# SPDX-License-Identifier: GPL-2.0
# /dev/mpmc: `make help` says what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.12
PREFIX ?= /usr/local
export PREFIX

# Where things are installed to, below DESTDIR.
VERSION := $(shell sed -n 's/^VERSION = //p' userlib/Makefile)
INSTALL_MOD_PATH ?= $(DESTDIR)
UDEV_RULE = $(DESTDIR)$(PREFIX)/lib/udev/rules.d/60-mpmc.rules
MODULES_LOAD = $(DESTDIR)$(PREFIX)/lib/modules-load.d/mpmc.conf
DKMS_SOURCE = $(DESTDIR)/usr/src/mpmc-$(VERSION)
# Folders that were made for these, inner ones first, see userlib/Makefile.
ifeq ($(filter / /usr,$(abspath $(PREFIX)/.)),)
MADE = $(addprefix $(PREFIX)/lib/,udev/rules.d udev modules-load.d)
ifneq ($(abspath $(PREFIX)),/usr/local)
MADE += $(PREFIX)/lib $(PREFIX)
endif
endif
# The kernel of KDIR, which need not be the one that runs: so modules built there say it.
RELEASE = $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null)
# Where kbuild puts modules that are not of its tree: "extra" before Linux 6.
MODULE_DIRS = $(foreach dir,updates extra $(INSTALL_MOD_DIR), \
	$(INSTALL_MOD_PATH)/lib/modules/*/$(dir))
INSTALLED = $(wildcard $(MODULE_DIRS:%=%/mpmc.ko) $(MODULE_DIRS:%=%/mpmc.ko.*))
INSTALLED_FOR = $(sort $(foreach file,$(INSTALLED), \
	$(firstword $(subst /, ,$(file:$(INSTALL_MOD_PATH)/lib/modules/%=%)))))

VM := scripts/vm-run --kernel $(KERNEL)
EXAMPLES := build/userlib

# The help first: it is there even if something does not build.
all: help native lib

help:
	@echo 'What there is to make:'
	@echo
	@echo '  make demo          see it work: a work queue across processes, in a guest'
	@echo '  make test          all tests, in guests of Linux 6.1 and 6.12'
	@echo '  make test-rt       those of guests on the PREEMPT_RT kernels, 6.1 and 6.12'
	@echo '  make test-newest   those of guests on the newest kernel of trixie-backports'
	@echo '  make test-debug    selftests and a torture on the debug kernels, in an hour'
	@echo '  make test-plants   plant bugs, and see that the selftests find them'
	@echo '  make example       the example program, in a guest'
	@echo '  make benchmark     against a pipe and a POSIX message queue, in a guest'
	@echo '  make bench         the benchmark suite: against everything else, with plots'
	@echo '  make torture       10,000 processes killed at random (KILLS=n), in a guest'
	@echo '  make torture-plants plant bugs, and see that the torture finds them'
	@echo '  make soak          all sorts of load in all sorts of trouble (MINUTES=10)'
	@echo '  make soak-plants   plant bugs, and see that the soak finds them'
	@echo '  make fuzz          programs of calls at random: 10 million (CALLS=n), in guests'
	@echo '  make fuzz-kasan    a fifth as many, guided, on a debug kernel with KASAN'
	@echo '  make fuzz-user     parts of the module in userspace, with libFuzzer (SECONDS=n)'
	@echo '  make fuzz-plants   plant bugs, and see that the fuzzers find them'
	@echo '  make history       histories of random rounds, checked (ROUNDS=n SEED=n SMP=n);'
	@echo '                     FROM=n: the round that failed, again and again'
	@echo '  make history-plants plant bugs, and see that the checker finds them'
	@echo '  make faultwalk     every call, and each of its failure points failing in turn'
	@echo '  make faultwalk-plants plant bugs, and see that the walk finds them'
	@echo '  make segment-plants plant bugs, and see that the tests of parts in userspace'
	@echo '                     find them'
	@echo '  make explore       search the interleavings of the core (PREEMPTIONS=n)'
	@echo '  make explore-plants plant mistakes, and see that the search finds them'
	@echo '  make model         search the models of sleeping and waking'
	@echo '  make litmus        evaluate the litmus tests of the barriers'
	@echo '  make test-packages build the Debian packages, install and use them: 20 minutes'
	@echo '  make arm64         build for arm64, and run the tests in emulated guests of it'
	@echo '  make abi-check     the binary interface against that of the last release'
	@echo '  make abi-update    make it that of the last release'
	@echo '  make debug-kernels kernels with KASAN, lockdep, ..., with KCSAN, ...'
	@echo '  make debug-plants  plant bugs, and see that these kernels report them'
	@echo '  make selfcheck     what runs the guests, with a toy module: 8 minutes'
	@echo '  make coverage      which lines of the module the tests run: half an hour'
	@echo '  make lint          all static checks, and that they find what they are for'
	@echo '  make check         those of the module alone: W=1, sparse, checkpatch, ...'
	@echo
	@echo '  make               the module for the running kernel, and the library'
	@echo '  make install       install both, and have the module loaded at every boot;'
	@echo '                     PREFIX=/usr/local DESTDIR= (then: modprobe mpmc)'
	@echo '  make install-lib   the library alone; install-module: the module alone'
	@echo '  make install-dkms  the module by DKMS, for each kernel that comes'
	@echo '  make install-system what says who may use it, and has it loaded at boot'
	@echo '  make uninstall     remove all that; uninstall-lib, or:'
	@echo '  make uninstall-module; uninstall-dkms; uninstall-system: parts of it'
	@echo '  make deb           Debian packages, in build/deb'
	@echo '  make module        the module for a Debian kernel (KERNEL=6.12, 6.1-rt, newest)'
	@echo '  make lib           the library'
	@echo '  make clean         remove what was built; distclean: and downloaded'
	@echo
	@echo 'demo, test, example, bench and the like install the packages they need, and'
	@echo 'never load anything into this machine.'

# --- This machine ---

native:
	@if [ -e $(KDIR)/Makefile ]; then \
		$(MAKE) -C $(KDIR) M=$(CURDIR) modules; \
	else \
		$(no-headers); echo 'The module is not built.'; \
	fi

define no-headers
	echo 'There are no headers for the running kernel in $(KDIR).'; \
	echo 'On Debian: apt-get install linux-headers-$$(uname -r)'
endef

lib:
	@$(MAKE) -s -C userlib all

install: install-module install-system install-lib

install-module:
	@[ -e $(KDIR)/Makefile ] || { { $(no-headers); \
		echo 'The library alone: make install-lib'; } >&2; exit 1; }
	@[ -e mpmc.ko ] || { echo 'There is no mpmc.ko: run make first.' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) \
		INSTALL_MOD_PATH='$(INSTALL_MOD_PATH)' modules_install
	@[ -n '$(INSTALL_MOD_PATH)' ] || depmod -a $(RELEASE)

# Who may open the device, and that it is there after a boot.
install-system:
	install -D -m 644 system/60-mpmc.rules $(UDEV_RULE)
	install -D -m 644 system/mpmc.conf $(MODULES_LOAD)

# The module's source, for DKMS to build whenever there is a new kernel. Nothing is
# built in a tree that is made to be packed.
install-dkms: install-system
	find Kbuild dkms.conf kmod uapi -name '.*' -prune -o \
		! -name '*.mod.c' \( -name '*.[ch]' -o -name Kbuild -o -name dkms.conf \) \
		-exec install -D -m 644 -T '{}' '$(DKMS_SOURCE)/{}' ';'
	@[ -n '$(DESTDIR)' ] || dkms install mpmc/$(VERSION) $(RELEASE:%=-k %)

install-lib:
	$(MAKE) -s -C userlib install
	@[ -n '$(DESTDIR)' ] || ldconfig

# Of all kernels, and whichever way it came. What is loaded stays so.
uninstall: uninstall-module uninstall-dkms uninstall-system uninstall-lib
	@[ -n '$(DESTDIR)' ] || [ ! -e /sys/module/mpmc ] || \
		echo 'The module is still loaded: modprobe -r mpmc'

uninstall-module:
	rm -f $(INSTALLED)
	@rmdir --ignore-fail-on-non-empty $(wildcard $(MODULE_DIRS)) 2>/dev/null || :
	@[ -n '$(INSTALL_MOD_PATH)' ] || for release in $(INSTALLED_FOR); do \
		depmod -a $$release || exit; \
	done

uninstall-dkms:
	@[ -n '$(DESTDIR)' ] || [ ! -e $(DKMS_SOURCE) ] || \
		dkms remove mpmc/$(VERSION) --all
	rm -rf $(DKMS_SOURCE)

uninstall-system:
	rm -f $(UDEV_RULE) $(MODULES_LOAD)
	@rmdir --ignore-fail-on-non-empty $(MADE:%=$(DESTDIR)%) 2>/dev/null || :

uninstall-lib:
	$(MAKE) -s -C userlib uninstall
	@[ -n '$(DESTDIR)' ] || ldconfig

# --- Guests ---

deps:
	@scripts/deps

module: deps
	@scripts/build-module $(KERNEL)

tests: deps
	@scripts/deps go trace
	@$(MAKE) -s -C userlib WERROR=-Werror all guest-tests guest-tests32 foreign-tests shown-tests examples
	@$(MAKE) -s -C selftests all
	@$(MAKE) -s -C selftests/torture
	@$(MAKE) -s -C selftests/soak
	@$(MAKE) -s -C selftests/fuzz guest
	@$(MAKE) -s -C selftests/history guest
	@scripts/deps fuzz

test: tests deps-debug
	@scripts/deps package
	@scripts/run-tests

test-rt: tests
	@scripts/run-tests --only guest --all --kernel '6.12-rt 6.1-rt'

test-debug: deps-debug tests
	@scripts/debug-kernel kasan kcsan
	@scripts/test-debug

test-newest: tests
	@scripts/run-tests --only guest --all --kernel newest

test-plants: deps
	@$(MAKE) -s -C selftests all
	@selftests/plants --kernel $(KERNEL)

examples: deps
	@$(MAKE) -s -C userlib all examples

example: examples
	@$(VM) -- $(EXAMPLES)/mpmc_example

benchmark: examples
	@$(VM) -- $(EXAMPLES)/performance_benchmark

demo: examples
	@scripts/demo $(KERNEL)

# All modes, and then what others make of it.
KILLS ?= 10000

torture: deps
	@$(MAKE) -s -C selftests/torture
	@$(VM) --timeout 3600 -- build/selftests/torture/mpmc_torture --kills $(KILLS)
	@$(VM) --timeout 900 -- build/selftests/torture/mpmc_torture --peers

torture-plants: deps
	@$(MAKE) -s -C selftests/torture
	@selftests/torture/plants --kernel $(KERNEL)

# So many minutes of load; it comes to rest now and then, which takes as long again at
# most.
MINUTES ?= 10

soak: deps
	@$(MAKE) -s -C selftests/soak
	@$(VM) --smp 4 --append log_buf_len=4M --timeout $$(($(MINUTES) * 120 + 300)) -- \
		build/selftests/soak/mpmc_soak --seconds $$(($(MINUTES) * 60))

soak-plants: deps
	@$(MAKE) -s -C selftests/soak
	@selftests/soak/plants --kernel $(KERNEL)

bench:
	@scripts/deps demo bench
	@selftests/bench/run --kernel $(KERNEL)

# The other one is guided by what is reached, and watched by KASAN.
CALLS ?= 10000000
SECONDS ?= 60

fuzz: deps
	@$(MAKE) -s -C selftests/fuzz guest
	@selftests/fuzz/run --kernel $(KERNEL) --calls $(CALLS)

fuzz-kasan: deps-debug
	@$(MAKE) -s -C selftests/fuzz guest
	@selftests/fuzz/run --kernel debug-fuzz --kcov --calls $$(($(CALLS) / 5))

fuzz-user:
	@scripts/deps fuzz
	@selftests/fuzz/user --seconds $(SECONDS)

fuzz-plants: deps-debug
	@scripts/deps fuzz
	@$(MAKE) -s -C selftests/fuzz guest
	@selftests/fuzz/plants --kasan debug-fuzz --seconds $(SECONDS)

faultwalk: deps
	@$(MAKE) -s -C selftests/faultwalk
	@scripts/vm-run --kernel debug-fuzz --append kmemleak=on --timeout 1800 -- \
		build/selftests/faultwalk/mpmc_faultwalk --stress 20

faultwalk-plants: deps
	@$(MAKE) -s -C selftests/faultwalk
	@selftests/faultwalk/plants

ROUNDS ?= 20000
SEED ?= 1
SMP ?= 2

history: deps
	@$(MAKE) -s -C selftests/history guest
	@$(VM) --smp $(SMP) --append preempt=full --timeout 7200 -- build/selftests/history/mpmc_history \
		--rounds $(ROUNDS) --seed $(SEED) $(if $(FROM),--from $(FROM) --repeat)

history-plants: deps
	@$(MAKE) -s -C selftests/history guest
	@selftests/history/plants --kernel $(KERNEL) --seconds $(SECONDS)

segment-plants: deps
	@selftests/segment/plants

explore: deps
	@$(MAKE) -s -C selftests/explore explore

explore-plants: deps
	@$(MAKE) -s -C selftests/explore mutants

model: deps
	@$(MAKE) -s -C selftests/model check

litmus: deps
	@$(MAKE) -s -C selftests/model litmus

# --- Interface, and packages ---

abi-check: deps
	@scripts/abi-check

abi-update: deps
	@scripts/abi-check --update

deb:
	@scripts/deps package
	@scripts/deb

arm64:
	@scripts/deps arm64
	@scripts/arm64

test-packages:
	@scripts/deps package
	@scripts/test-packages

# --- Static checks ---

lint:
	@scripts/deps demo check
	@scripts/lint
	@scripts/lint-test

check: deps
	@scripts/check

# --- Debug kernels ---

deps-debug:
	@scripts/deps debug

debug-kernels: deps-debug
	@scripts/debug-kernel kasan kcsan fuzz

debug-plants: deps-debug tests
	@scripts/debug-kernel kasan kcsan
	@scripts/debug/plants

selfcheck: deps
	@scripts/vm-selfcheck

coverage: deps-debug tests
	@$(MAKE) -s -C selftests/faultwalk
	@scripts/debug-kernel fuzz
	@scripts/coverage

# --- Cleaning ---

clean:
	@[ ! -e $(KDIR)/Makefile ] || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean
	rm -rf build

distclean: clean
	rm -rf .cache

.PHONY: all help native lib install install-module install-system install-dkms \
	install-lib uninstall uninstall-module uninstall-system uninstall-dkms \
	uninstall-lib deb test-packages arm64 abi-check abi-update deps module \
	tests test test-rt test-newest test-debug test-plants examples example benchmark bench \
	torture model demo check lint clean distclean litmus explore deps-debug \
	debug-kernels debug-plants faultwalk faultwalk-plants soak soak-plants fuzz \
	fuzz-kasan fuzz-user fuzz-plants history history-plants explore-plants \
	segment-plants torture-plants selfcheck coverage
