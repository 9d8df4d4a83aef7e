// SPDX-License-Identifier: MIT OR Apache-2.0

// Usage: files MPMCCTL
//
// A queue fd as a file of Go's: os.File, and what is built on it, where there is a
// /dev/mpmc. Prints TAP. Queues are made, filled and emptied by MPMCCTL, and opened by
// their names, by the ioctl; neither the library nor cgo is needed.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	queueOpen = 0xBE02 // MPMC_IOC_QUEUE_OPEN
	reading   = 0x1
	writing   = 0x2
	nonblock  = 0x10
	name      = "/go"
	capacity  = 10
	while     = 200 * time.Millisecond // what is awaited does not come earlier
)

// The kernel is given its address: on a stack it might be moved meanwhile.
var nameBytes = []byte(name)

// As struct mpmc_queue_open has it.
type openArgs struct {
	size, flags    uint32
	name           uintptr
	nameSize, mode uint32
	create         uint64
}

// check ends a test that must not go on.
func check(err error) {
	if err != nil {
		panic(err)
	}
}

func same[T comparable](what string, got, wanted T) {
	if got != wanted {
		panic(fmt.Errorf("%s: %v, and not %v", what, got, wanted))
	}
}

func fails(what string, err, wanted error) {
	if !errors.Is(err, wanted) {
		panic(fmt.Errorf("%s: %v, and not %v", what, err, wanted))
	}
}

// Without O_NONBLOCK each call of it takes a thread; with it, Go's poller waits.
func open(flags uint32) *os.File {
	device, err := os.OpenFile("/dev/mpmc", os.O_RDWR, 0)
	check(err)
	defer device.Close()
	args := openArgs{size: 32, flags: flags, name: uintptr(unsafe.Pointer(&nameBytes[0])), nameSize: uint32(len(nameBytes))}
	fd, _, errno := syscall.Syscall(syscall.SYS_IOCTL, device.Fd(), queueOpen, uintptr(unsafe.Pointer(&args)))
	if errno != 0 {
		panic(errno)
	}
	return os.NewFile(fd, name)
}

func ctl(args ...string) string {
	out, err := exec.Command(os.Args[1], args...).Output()
	check(err)
	return string(out)
}

func push(items ...uint64) {
	args := []string{"push", name}
	for _, item := range items {
		args = append(args, strconv.FormatUint(item, 10))
	}
	ctl(args...)
}

func pop(count int) string {
	return strings.Join(strings.Fields(ctl("pop", "-t", "10", "-n", strconv.Itoa(count), name)), " ")
}

func numbers(count int) []uint64 {
	items := make([]uint64, count)
	for i := range items {
		items[i] = uint64(i)
	}
	return items
}

func pack(items ...uint64) []byte {
	var out bytes.Buffer
	check(binary.Write(&out, binary.LittleEndian, items))
	return out.Bytes()
}

func list(data []byte) string {
	items := make([]uint64, len(data)/8)
	check(binary.Read(bytes.NewReader(data), binary.LittleEndian, items))
	return strings.Trim(fmt.Sprint(items), "[]")
}

// later does that in a while; what is done meanwhile waits for it.
func later(do func(), meanwhile func()) {
	var others sync.WaitGroup
	others.Add(1)
	began := time.Now()
	go func() {
		defer others.Done()
		time.Sleep(while)
		do()
	}()
	meanwhile()
	if took := time.Since(began); took < while {
		panic(fmt.Errorf("it took only %v", took))
	}
	others.Wait()
}

func read(queue *os.File, size int) string {
	place := make([]byte, size)
	count, err := queue.Read(place)
	check(err)
	return list(place[:count])
}

func write(queue *os.File, items ...uint64) {
	count, err := queue.Write(pack(items...))
	check(err)
	same("bytes written", count, 8*len(items))
}

func testWrite(queue *os.File) {
	write(queue, 1, 2, 1<<64-1)
	same("mpmcctl took", pop(3), "1 2 18446744073709551615")
}

func testRead(queue *os.File) {
	push(1, 2, 3, 4, 5)
	same("place for two", read(queue, 16), "1 2")
	same("place for more", read(queue, 4096), "3 4 5")
}

func testReadWaits(queue *os.File) {
	later(func() { push(7) }, func() { same("item", read(queue, 4096), "7") })
}

func testWriteWaits(queue *os.File) {
	taken := ""
	later(func() { taken = pop(2 * capacity) }, func() { write(queue, numbers(2*capacity)...) })
	same("taken", taken, list(pack(numbers(2*capacity)...)))
}

func testParts(queue *os.File) {
	push(1)
	_, err := queue.Read(make([]byte, 7))
	fails("read", err, syscall.EINVAL)
	_, err = queue.Write(make([]byte, 7))
	fails("write", err, syscall.EINVAL)
	same("what is there", read(queue, 8), "1")
}

func testEnd(queue *os.File) {
	push(1)
	ctl("shutdown", name)
	_, err := queue.Write(pack(2))
	fails("write", err, syscall.EPIPE)
	same("what is left", read(queue, 4096), "1")
	_, err = queue.Read(make([]byte, 8))
	fails("read", err, io.EOF)
}

func testEndOfAWait(queue *os.File) {
	later(func() { ctl("shutdown", name) }, func() {
		_, err := queue.Read(make([]byte, 8))
		fails("read", err, io.EOF)
	})
}

// io.Copy has files try copy_file_range(2) first.
func testCopy(queue *os.File) {
	path := "/tmp/files.go.copy"
	check(os.WriteFile(path, pack(numbers(capacity)...), 0600))
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	check(err)
	defer os.Remove(path)
	defer file.Close()
	count, err := io.Copy(queue, file)
	check(err)
	same("bytes into the queue", count, 8*capacity)
	ctl("shutdown", name)
	check(file.Truncate(0))
	_, err = file.Seek(0, io.SeekStart)
	check(err)
	count, err = io.Copy(file, queue)
	check(err)
	same("bytes out of it", count, 8*capacity)
	data, err := os.ReadFile(path)
	check(err)
	same("what the file has", list(data), list(pack(numbers(capacity)...)))
}

// 100,000 items through 10 places, by what buffers, and to the end.
func testMuch(queue *os.File) {
	const many = 100000
	go func() {
		out := bufio.NewWriter(queue)
		check(binary.Write(out, binary.LittleEndian, numbers(many)))
		check(out.Flush())
		ctl("shutdown", name)
	}()
	in := bufio.NewReader(queue)
	var item uint64
	for i := uint64(0); i < many; i++ {
		check(binary.Read(in, binary.LittleEndian, &item))
		same("item", item, i)
	}
	rest, err := io.ReadAll(in)
	check(err)
	same("bytes more", len(rest), 0)
}

func testReadAll(queue *os.File) {
	const many = 100000
	go func() {
		write(queue, numbers(many)...)
		ctl("shutdown", name)
	}()
	data, err := io.ReadAll(queue)
	check(err)
	same("all of it", list(data) == list(pack(numbers(many)...)), true)
}

func testChildren(queue *os.File) {
	in, out := exec.Command("cat"), exec.Command("cat")
	in.Stdin, in.Stdout = bytes.NewReader(pack(1, 2, 3)), queue
	check(in.Run())
	ctl("shutdown", name)
	out.Stdin = queue
	data, err := out.Output()
	check(err)
	same("what cat read", list(data), "1 2 3")
}

func testNoDeadline(queue *os.File) {
	fails("deadline", queue.SetDeadline(time.Now()), os.ErrNoDeadline)
}

// expires says whether that ends with its deadline, and not earlier.
func expires(what string, set func(time.Time) error, do func() error) {
	began := time.Now()
	check(set(began.Add(while)))
	fails(what, do(), os.ErrDeadlineExceeded)
	if took := time.Since(began); took < while {
		panic(fmt.Errorf("%s: only %v", what, took))
	}
}

func testDeadline(queue *os.File) {
	expires("read", queue.SetReadDeadline, func() error {
		_, err := queue.Read(make([]byte, 8))
		return err
	})
	check(queue.SetReadDeadline(time.Time{}))
	later(func() { push(1) }, func() { same("item", read(queue, 8), "1") })
	count := 0
	expires("write", queue.SetWriteDeadline, func() (err error) {
		count, err = queue.Write(pack(numbers(capacity + 5)...))
		return err
	})
	same("bytes that there was room for", count, 8*capacity)
}

func testClose(queue *os.File) {
	later(func() { check(queue.Close()) }, func() {
		_, err := queue.Read(make([]byte, 8))
		fails("read", err, os.ErrClosed)
	})
}

func threads() int {
	entries, err := os.ReadDir("/proc/self/task")
	check(err)
	return len(entries)
}

// Each has an fd of its own: one at a time reads from one.
func testPoller(queue *os.File) {
	const readers, many = 200, 2000
	var all sync.WaitGroup
	sums := make(chan uint64, readers)
	for i := 0; i < readers; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			file := open(reading | nonblock)
			defer file.Close()
			sum, item := uint64(0), uint64(0)
			for binary.Read(file, binary.LittleEndian, &item) == nil {
				sum += item
			}
			sums <- sum
		}()
	}
	time.Sleep(while)
	write(queue, numbers(many)...)
	used := threads()
	ctl("shutdown", name)
	all.Wait()
	close(sums)
	sum := uint64(0)
	for one := range sums {
		sum += one
	}
	same("sum of all items", sum, many*(many-1)/2)
	same("more than 50 threads", used > 50, false)
}

type test struct {
	name  string
	flags uint32
	run   func(*os.File)
}

func tests() []test {
	var all []test
	for _, mode := range []test{{"", 0, nil}, {" (O_NONBLOCK)", nonblock, nil}} {
		add := func(name string, run func(*os.File)) {
			all = append(all, test{name + mode.name, mode.flags, run})
		}
		add("File.Write: mpmcctl takes what was written", testWrite)
		add("File.Read: as many whole items as there are, or as there is place for", testRead)
		add("File.Read waits for an item", testReadWaits)
		add("File.Write waits for room, until all is written", testWriteWaits)
		add("a part of an item is EINVAL, and nothing is lost", testParts)
		add("the end: what is left, then io.EOF, and EPIPE for who writes", testEnd)
		add("the end comes while File.Read waits", testEndOfAWait)
		add("io.Copy from a file, and into one", testCopy)
		add("bufio: 100,000 items through 10 places, in order", testMuch)
		add("io.ReadAll: 100,000 items", testReadAll)
	}
	return append(all,
		test{"cat inherits it, as its input and as its output", 0, testChildren},
		test{"no deadline without O_NONBLOCK", 0, testNoDeadline},
		test{"deadlines", nonblock, testDeadline},
		test{"File.Close ends File.Read", nonblock, testClose},
		test{"200 goroutines wait, each with an fd, without a thread for each", nonblock, testPoller})
}

func run(one test) (failure any) {
	ctl("create", "-c", strconv.Itoa(capacity), "-s", "1", name)
	queue := open(reading | writing | one.flags)
	defer ctl("rm", name)
	defer queue.Close()
	defer func() { failure = recover() }()
	one.run(queue)
	return
}

func main() {
	status := 0
	for i, one := range tests() {
		result := "ok"
		if failure := run(one); failure != nil {
			fmt.Println("#", failure)
			result, status = "not ok", 1
		}
		fmt.Printf("%s %d - %s\n", result, i+1, one.name)
	}
	fmt.Printf("1..%d\n", len(tests()))
	os.Exit(status)
}
