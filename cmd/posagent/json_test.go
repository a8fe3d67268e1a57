package main

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"posagent/config"
)

// membersOf are the names of JSON members that a type's values have, with those of
// what is in them.
func membersOf(t reflect.Type, into map[string]bool) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		membersOf(t.Elem(), into)
	case reflect.Struct:
		if t == reflect.TypeFor[time.Time]() {
			return
		}
		for i := range t.NumField() {
			f := t.Field(i)
			if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
				into[name] = true
			} else if !f.Anonymous {
				continue
			}
			membersOf(f.Type, into)
		}
	}
}

// Programs are written after the page of the commands: every member stands there.
func TestEveryMemberOfJSONIsOnThePage(t *testing.T) {
	text, err := os.ReadFile("README.md")
	must(t, err)
	_, page, found := strings.Cut(string(text), "## What -json writes")
	if !found {
		t.Fatal("the page has no such part")
	}
	names := map[string]bool{}
	for _, v := range []any{report{}, hold{}, explanation{}, finding{}, keyShown{}, imported{}, changed{}, config.Fault{}} {
		membersOf(reflect.TypeOf(v), names)
	}
	if len(names) < 80 {
		t.Fatalf("only %d members were found", len(names))
	}
	for name := range names {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("%q is not on the page", name)
		}
	}
}
