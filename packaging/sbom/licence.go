package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// licenceIn returns the text of the licence file in a folder, and which licence it
// is. One that is not known here is an error: somebody has to look at it first.
func licenceIn(dir string) (text, id string, err error) {
	for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "COPYING"} {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", "", err
		}
		if id = licenceOf(string(content)); id == "" {
			return "", "", errors.New("a licence that nobody has looked at yet: " + filepath.Join(dir, name))
		}
		return string(content), id, nil
	}
	return "", "", errors.New("no licence file in " + dir)
}

// licenceOf tells the permissive licences apart by what only they say. It returns
// an SPDX identifier, or "".
func licenceOf(text string) string {
	words := strings.Join(strings.Fields(text), " ")
	has := func(s string) bool { return strings.Contains(words, s) }
	switch {
	case has("GNU ") || has("Mozilla Public"):
		return ""
	case has("Apache License Version 2.0"):
		return "Apache-2.0"
	case has("Permission is hereby granted, free of charge"):
		return "MIT"
	case has("Permission to use, copy, modify, and/or distribute this software"):
		return "ISC"
	case has("Redistribution and use in source and binary forms") && has("Neither the name"):
		return "BSD-3-Clause"
	case has("Redistribution and use in source and binary forms"):
		return "BSD-2-Clause"
	}
	return ""
}
