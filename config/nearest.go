package config

import "strings"

// nearest returns the known name that a misspelt one most likely means: the
// same but for capitals and hyphens, or one or two edits away, but not half the
// name. An edit is a letter more, less, other, or swapped with its neighbour.
func nearest(name string, known []string) (string, bool) {
	if len(name) > 64 {
		return "", false
	}
	best, least := "", 3
	for _, k := range known {
		d := edits(strings.ReplaceAll(strings.ToLower(name), "-", "_"), k)
		if d < least && 2*d < len(k) {
			best, least = k, d
		}
	}
	return best, best != ""
}

// edits counts the edits between two names, by the restricted
// Damerau–Levenshtein distance.
func edits(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
