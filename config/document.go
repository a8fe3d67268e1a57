package config

import (
	"bytes"
	"errors"
	"slices"
	"sort"

	"github.com/pelletier/go-toml/v2/unstable"
)

// valueDepth is how deep values are read: a list of tables of lists is all
// that any key takes. What lies deeper keeps its kind and loses its content.
const valueDepth = 4

// statement is a heading, or a key with its value.
type statement struct {
	kind  unstable.Kind // Table, ArrayTable or KeyValue
	path  []string      // the parts of a dotted name, at least one
	line  int
	value value // of a KeyValue
}

// value is a value as the file has it, before anyone asked what it should be.
type value struct {
	kind  unstable.Kind
	text  string // a string's content; anything else but lists and tables as written
	line  int
	items []value     // of an Array
	pairs []statement // of an InlineTable
}

// syntaxError is where and why a text stops being TOML.
type syntaxError struct {
	line, column int
	message      string
}

// document cuts a text into statements. It checks TOML's grammar only: names
// given twice are the reader's business, since they have lines to report.
type document struct {
	parser unstable.Parser
	starts []int // the offset of each line's first byte
}

// newDocument takes text, which must be UTF-8 without a byte order mark.
func newDocument(text []byte) *document {
	d := &document{starts: []int{0}}
	for at, b := range text {
		if b == '\n' {
			d.starts = append(d.starts, at+1)
		}
	}
	d.parser.Reset(slices.Clip(text))
	return d
}

// each calls take with every statement in order, up to the end or to the first
// error of grammar, which it returns.
func (d *document) each(take func(statement)) *syntaxError {
	for d.parser.NextExpression() {
		node := d.parser.Expression()
		path, line := d.path(node)
		s := statement{kind: node.Kind, path: path, line: line}
		if node.Kind == unstable.KeyValue {
			s.value = d.value(node.Value(), line, valueDepth)
		}
		take(s)
	}
	return d.syntaxError(d.parser.Error())
}

func (d *document) path(node *unstable.Node) (path []string, line int) {
	for parts := node.Key(); parts.Next(); {
		if line == 0 {
			line = d.line(int(parts.Node().Raw.Offset))
		}
		path = append(path, string(parts.Node().Data))
	}
	return path, line
}

// value copies a node, which the parser overwrites with the next statement.
// Lists have no position of their own and take that of their key.
func (d *document) value(node *unstable.Node, line, depth int) value {
	if node.Raw.Length > 0 {
		line = d.line(int(node.Raw.Offset))
	}
	v := value{kind: node.Kind, line: line}
	if node.Kind != unstable.Array && node.Kind != unstable.InlineTable {
		v.text = string(node.Data)
		return v
	}
	if depth == 0 {
		return v
	}
	for children := node.Children(); children.Next(); {
		child := children.Node()
		if child.Kind != unstable.KeyValue {
			v.items = append(v.items, d.value(child, line, depth-1))
			continue
		}
		path, at := d.path(child)
		v.pairs = append(v.pairs, statement{
			kind: child.Kind, path: path, line: at,
			value: d.value(child.Value(), at, depth-1),
		})
	}
	return v
}

// line returns the line, from 1, that the byte at offset is on.
func (d *document) line(offset int) int {
	return sort.SearchInts(d.starts, offset+1)
}

func (d *document) syntaxError(err error) *syntaxError {
	if err == nil {
		return nil
	}
	found := &syntaxError{line: len(d.starts), column: 1, message: err.Error()}
	var at *unstable.ParserError
	if errors.As(err, &at) {
		offset := int(d.parser.Range(at.Highlight).Offset)
		found.line = d.line(offset)
		found.column = offset - d.starts[found.line-1] + 1
	}
	return found
}

// literal returns the value that a TOML literal of our own stands for.
func literal(text string) value {
	var v value
	d := newDocument([]byte("v = " + text))
	if bad := d.each(func(s statement) { v = s.value }); bad != nil {
		panic("config: " + text + " is no TOML: " + bad.message)
	}
	return v
}

// withoutMark drops the byte order mark that some editors on Windows put at
// the beginning of a file.
func withoutMark(text []byte) []byte {
	return bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
}
