package main

import (
	"context"
	"strconv"
	"strings"
)

// memoryFacts is what /proc says of the box's memory.
type memoryFacts struct {
	availableBytes uint64
	totalBytes     uint64
	killed         uint64 // processes that were ended for want of memory, since the boot
}

// memoryFew is what the agent and a sale need, several times over.
const memoryFew = 48 << 20

func lookAtMemory(_ context.Context, p *patient) []finding {
	f := memoryFacts{
		availableBytes: numberAfter(p.box.line("proc", "meminfo"), "MemAvailable:") << 10,
		totalBytes:     numberAfter(p.box.line("proc", "meminfo"), "MemTotal:") << 10,
		killed:         numberAfter(p.box.line("proc", "vmstat"), "oom_kill"),
	}
	return f.judge()
}

// numberAfter is the number behind the first word that is name, 0 for none.
func numberAfter(text, name string) uint64 {
	words := strings.Fields(text)
	for i, word := range words[:max(len(words)-1, 0)] {
		if word == name {
			n, err := strconv.ParseUint(words[i+1], 10, 64)
			if err != nil {
				return 0
			}
			return n
		}
	}
	return 0
}

func (f memoryFacts) judge() []finding {
	const check = "memory"
	var list []finding
	switch {
	case f.totalBytes == 0:
		list = append(list, note(check, "the kernel does not say how much there is"))
	case f.availableBytes < memoryFew:
		list = append(list, warning(check, "ps -eo rss,comm --sort=-rss | head shows what takes it", "%s of %s are left", bytesText(f.availableBytes), bytesText(f.totalBytes)))
	default:
		list = append(list, fine(check, "%s of %s are left", bytesText(f.availableBytes), bytesText(f.totalBytes)))
	}
	if f.killed > 0 {
		list = append(list, warning(check, "journalctl -k | grep -i 'out of memory' shows which, and when",
			"since the boot the kernel ended %d processes for want of memory; the agent may be one of them, and takes everything up again", f.killed))
	}
	return list
}
