package main

import (
	"fmt"
	"strconv"
	"strings"
)

// exposition is figures in Prometheus' text format, version 0.0.4.
type exposition struct{ strings.Builder }

// expositionType is its Content-Type.
const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// family begins the samples of one name: every one of them follows at once.
func (e *exposition) family(name, kind, help string) family {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(help), name, kind)
	return family{e, name}
}

// one is a family of one sample without labels.
func (e *exposition) one(name, kind, help string, value float64) {
	e.family(name, kind, help).sample(value)
}

type family struct {
	to   *exposition
	name string
}

// sample adds a value; labels are names and values in turn.
func (f family) sample(value float64, labels ...string) { f.line("", value, labels) }

// histogram adds a whole histogram.
func (f family) histogram(h *histogram, labels ...string) {
	sum := int64(0)
	for i, bound := range h.bounds {
		sum += h.counts[i]
		f.line("_bucket", float64(sum), append(labels[:len(labels):len(labels)], "le", number(bound)))
	}
	f.line("_bucket", float64(h.n), append(labels[:len(labels):len(labels)], "le", "+Inf"))
	f.line("_sum", h.sum, labels)
	f.line("_count", float64(h.n), labels)
}

func (f family) line(suffix string, value float64, labels []string) {
	f.to.WriteString(f.name + suffix)
	for i := 0; i+1 < len(labels); i += 2 {
		f.to.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		f.to.WriteString(labels[i] + `="` + strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`).Replace(labels[i+1]) + `"`)
	}
	if len(labels) > 0 {
		f.to.WriteString("}")
	}
	f.to.WriteString(" " + number(value) + "\n")
}

func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
