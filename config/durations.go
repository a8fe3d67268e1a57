package config

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// parseDuration reads Go's durations, with whole days before them where wanted:
// "45s", "1h30m", "400d", "1d12h".
func parseDuration(s string) (time.Duration, bool) {
	before, rest, found := strings.Cut(s, "d")
	if !found {
		d, err := time.ParseDuration(s)
		return d, err == nil
	}
	days, err := strconv.ParseUint(before, 10, 32)
	if err != nil || days > uint64(math.MaxInt64/day)/2 {
		return 0, false
	}
	if rest == "" {
		return time.Duration(days) * day, true
	}
	d, err := time.ParseDuration(rest)
	if err != nil || strings.ContainsAny(rest[:1], "+-") || d > math.MaxInt64/2 {
		return 0, false
	}
	return time.Duration(days)*day + d, true
}

func mustParseDuration(s string) time.Duration {
	d, ok := parseDuration(s)
	if !ok {
		panic("config: " + s + " is no duration")
	}
	return d
}
