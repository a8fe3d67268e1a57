package main

import (
	"cmp"
	"slices"
	"strings"
)

// nearAtMost is how many ids spelt much the same are named.
const nearAtMost = 5

// spelledLike returns the ids that a mistyped one may mean, the likeliest first:
// those it is a part of, and those a slip or two away. Capitals and what is easily
// read wrong (0 and O, 1 and I, 5 and S) count for nothing.
func spelledLike(id string, ids []string) []string {
	type candidate struct {
		id    string
		slips int
	}
	var list []candidate
	sought := plain(id)
	for _, other := range ids {
		p := plain(other)
		slips := 3
		if len(sought) >= 4 && strings.Contains(p, sought) {
			slips = 2
		}
		if difference := len(p) - len(sought); difference >= -2 && difference <= 2 {
			slips = min(slips, slipsBetween(sought, p))
		}
		if slips < 3 && slips*3 < len(p) {
			list = append(list, candidate{other, slips})
		}
	}
	slices.SortFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.slips, b.slips), strings.Compare(a.id, b.id))
	})
	var near []string
	for _, c := range list[:min(len(list), nearAtMost)] {
		near = append(near, c.id)
	}
	return near
}

func plain(id string) string {
	return strings.NewReplacer("O", "0", "I", "1", "L", "1", "S", "5", "-", "_").Replace(strings.ToUpper(id))
}

// slipsBetween counts the letters that were left out, added, replaced or swapped with
// their neighbour to make a of b.
func slipsBetween(a, b string) int {
	before, last, row := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		row[0] = i + 1
		for j := range b {
			differ := 1
			if a[i] == b[j] {
				differ = 0
			}
			row[j+1] = min(last[j]+differ, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, make([]int, len(b)+1)
	}
	return last[len(b)]
}
