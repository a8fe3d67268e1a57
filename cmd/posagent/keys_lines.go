package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// valueLine is "key = value # remark" with the value on one line: quoted text, a list
// or a number.
func valueLine(key string) *regexp.Regexp {
	return regexp.MustCompile(`^(\s*` + regexp.QuoteMeta(key) + `\s*=\s*)("[^"]*"|'[^']*'|\[[^\]#]*\]|[0-9_]+)(\s*(?:#.*)?)$`)
}

// withValue returns the text with the value of a key of the [antom] table replaced.
// at is the key's line, counted from 1; 0 where it is not there, and then it is put
// below the line after.
func withValue(text string, p pair, at, after int) (string, error) {
	lines := strings.Split(text, "\n")
	switch {
	case at > 0 && at <= len(lines):
		parts := valueLine(p.key).FindStringSubmatch(strings.TrimSuffix(lines[at-1], "\r"))
		if parts == nil {
			return "", fmt.Errorf("line %d is not %s and its value alone; change it by hand to %s = %s", at, p.key, p.key, p.value)
		}
		ending := lines[at-1][len(strings.TrimSuffix(lines[at-1], "\r")):]
		lines[at-1] = parts[1] + p.value + parts[3] + ending
	case after > 0 && after <= len(lines):
		lines = append(lines[:after], append([]string{p.key + " = " + p.value}, lines[after:]...)...)
	default:
		return "", fmt.Errorf("there is no place for %s; write it by hand below [antom]: %s = %s", p.key, p.key, p.value)
	}
	return strings.Join(lines, "\n"), nil
}

// rewriteKeys changes keys of the [antom] table in one step: a reader finds the old
// text or the new one. What comes of it is read and checked first, and the old text
// is kept under the name that it returns.
func rewriteKeys(file string, s settings, pairs []pair) (kept string, err error) {
	st, err := os.Lstat(file)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s is a link; change the lines by hand", file)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	text := string(before)
	for _, p := range pairs {
		if text, err = withValue(text, p, s.Line("antom."+p.key), s.Line("antom.private_key_file")); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
	}
	return swapText(file, st, text)
}

func swapText(file string, st fs.FileInfo, text string) (kept string, err error) {
	fresh := file + ".new"
	if _, err := os.Lstat(fresh); err == nil {
		return "", fmt.Errorf("%s is there: another change is under way, or one was broken off, and %s is as it was: rm %s, and say the same again",
			fresh, file, shellWord(fresh))
	}
	if err := putNew(fresh, []byte(text), st.Mode().Perm()); err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(fresh) }() // it has its name, or is not wanted
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		if err := os.Chown(fresh, int(sys.Uid), int(sys.Gid)); err != nil {
			return "", err
		}
	}
	if _, err := loadSettings(fresh); err != nil {
		return "", fmt.Errorf("the changed file would not be right, and is not taken: %w", err)
	}
	kept = file + ".before-" + time.Now().UTC().Format("20060102T150405.000000Z")
	if err := os.Link(file, kept); err != nil {
		return "", err
	}
	return kept, errors.Join(os.Rename(fresh, file), syncFolder(filepath.Dir(file)))
}
