// Go's os/exec: Command("/bin/true").Run().
//
//	spawn_go [--quick] [--rss_mib=10,1024]
package main

import (
	"flag"
	"fmt"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"time"
)

func sorted(samples []float64) []float64 {
	copied := append([]float64(nil), samples...)
	sort.Float64s(copied)
	return copied
}

func medianMicroseconds(duration time.Duration) float64 {
	var took []float64
	start := time.Now()
	before := start
	for before.Sub(start) < duration || len(took) < 5 {
		if err := exec.Command("/bin/true").Run(); err != nil {
			panic(err)
		}
		now := time.Now()
		took = append(took, float64(now.Sub(before).Nanoseconds())/1e3)
		before = now
	}
	return sorted(took)[len(took)/2]
}

func main() {
	quick := flag.Bool("quick", false, "measure for a short time")
	sizes := flag.String("rss_mib", "10,1024", "touched memory, in MiB")
	flag.Parse()
	repetitions, duration := 7, 400*time.Millisecond
	if *quick {
		repetitions, duration = 3, 120*time.Millisecond
	}
	for _, size := range strings.Split(*sizes, ",") {
		mib, err := strconv.Atoi(size)
		if err != nil {
			panic(err)
		}
		ballast := make([]byte, mib<<20)
		for i := 0; i < len(ballast); i += 4096 {
			ballast[i] = 1
		}
		var samples []float64
		for i := 0; i < repetitions; i++ {
			samples = append(samples, medianMicroseconds(duration))
		}
		s := sorted(samples)
		fmt.Printf("{\"item\":\"spawn\",\"who\":\"go_os_exec\",\"p\":{\"how\":\"Run\",\"rss_mib\":%d},"+
			"\"metric\":\"p50\",\"unit\":\"us\",\"median\":%g,\"min\":%g,\"max\":%g,\"iqr\":%g,\"n\":%d}\n",
			mib, s[len(s)/2], s[0], s[len(s)-1], s[len(s)-1]-s[0], len(s))
		runtime.KeepAlive(ballast)
	}
}
