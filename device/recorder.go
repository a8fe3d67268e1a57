package device

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"
)

// Texts of the notes in a recording.
const (
	noteOpened = "port opened"
	noteClosed = "port closed"
)

// recorder keeps a session in a file, one Sighting a line. It never delays the
// link: what comes faster than the disk takes it is counted and left out. The
// file has at most recordBytes; when it is full it becomes FILE.1, in place of
// an older one, and a new one is begun. A nil recorder keeps nothing.
type recorder struct {
	path  string
	log   *slog.Logger
	limit int64 // bytes of the file
	lumps chan lump
	ended chan struct{}

	missed int // lumps that found no room; the giver's own
	file   *os.File
	size   int64
	sick   bool // the last write failed, and it was said
	ways   map[string]*Watch
}

// lump is bytes that passed at once, or a note.
type lump struct {
	at     time.Time
	way    string
	bytes  []byte
	note   string
	missed int // before it
}

// newRecorder starts a recorder. It opens nothing before there is something to
// keep, and a file that can't be written stops no register.
func newRecorder(path string, log *slog.Logger) *recorder {
	r := &recorder{
		path: path, log: log, limit: recordBytes,
		lumps: make(chan lump, recordLumps), ended: make(chan struct{}),
		ways: map[string]*Watch{FromRegister: {}, FromAgent: {}},
	}
	go r.run()
	return r
}

// keep takes bytes that passed; it copies them and returns at once.
func (r *recorder) keep(at time.Time, way string, p []byte) {
	if r != nil {
		r.offer(lump{at: at, way: way, bytes: bytes.Clone(p)})
	}
}

// note takes what happened to the port.
func (r *recorder) note(text string) {
	if r != nil {
		r.offer(lump{at: time.Now(), note: text})
	}
}

func (r *recorder) offer(l lump) {
	l.missed = r.missed
	select {
	case r.lumps <- l:
		r.missed = 0
	default:
		r.missed++
	}
}

// end writes what is left and closes the file. Nothing may be kept after it.
func (r *recorder) end() {
	close(r.lumps)
	<-r.ended
}

func (r *recorder) run() {
	defer close(r.ended)
	for l := range r.lumps {
		if err := r.write(r.lines(l)); err != nil && !r.sick {
			r.sick = true
			r.log.Warn("the session can't be recorded; the register is served all the same", "err", err)
		}
	}
	if r.file != nil {
		_ = r.file.Close() // a recording is no promise
	}
}

// lines is what a lump adds to the file.
func (r *recorder) lines(l lump) []byte {
	var seen []Sighting
	if l.missed > 0 {
		seen = append(seen, Sighting{At: l.at, Kind: SightNote, Shown: fmt.Sprintf("%d lumps were not recorded", l.missed)})
	}
	if l.note != "" {
		seen = append(seen, Sighting{At: l.at, Kind: SightNote, Shown: l.note})
	} else {
		seen = append(seen, r.ways[l.way].See(l.at, l.way, l.bytes)...)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	for _, s := range seen {
		if err := encoder.Encode(s); err != nil {
			r.log.Error("a sighting can't be recorded", "kind", s.Kind, "err", err) // no register stops for that
		}
	}
	return text.Bytes()
}

func (r *recorder) write(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	if err := r.ready(len(text)); err != nil {
		return fmt.Errorf("record %s: %w", r.path, err)
	}
	n, err := r.file.Write(text)
	r.size += int64(n)
	if err != nil {
		return fmt.Errorf("record %s: %w", r.path, err)
	}
	r.sick = false
	return nil
}

// ready opens the file, and begins a new one where n bytes more were too many.
func (r *recorder) ready(n int) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return err
		}
	}
	if r.size == 0 || r.size+int64(n) <= r.limit {
		return nil
	}
	err := errors.Join(r.file.Close(), os.Rename(r.path, r.path+".1"))
	r.file = nil
	if err != nil {
		return err
	}
	return r.open()
}

func (r *recorder) open() error {
	file, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	state, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	r.file, r.size = file, state.Size()
	return nil
}

// ReadRecording reads the sightings of a recording, in order. A last line that
// a power cut tore is left out.
func ReadRecording(from io.Reader) ([]Sighting, error) {
	var all []Sighting
	for lines := json.NewDecoder(from); ; {
		var s Sighting
		err := lines.Decode(&s)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return all, nil
		case err != nil:
			return nil, fmt.Errorf("read recording, after %d lines: %w", len(all), err)
		case s.Kind == "":
			return nil, fmt.Errorf("read recording, line %d: %w", len(all)+1, fs.ErrInvalid)
		}
		all = append(all, s)
	}
}
