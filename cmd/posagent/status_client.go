package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Why a running agent can't be asked.
var (
	// errNoSocket: [status] listen is "".
	errNoSocket = errors.New(`the agent has no status socket ([status] listen is "")`)
	// errNobodyListens: nothing serves the socket. The agent does not run, or it
	// could not open it.
	errNobodyListens = errors.New("no agent listens there")
	// errMayNotAsk: this user may not use the socket.
	errMayNotAsk = errors.New("this user may not ask the agent; use sudo, or add the user to the agent's group")
)

// answerLimit bounds what is read of an agent's answer.
const answerLimit = 8 << 20

// statusClient asks a running agent over its status socket.
type statusClient struct {
	listen string
	http   *http.Client
}

// newStatusClient returns a client for what [status] listen names. A question has
// within to be answered, unless its context ends before.
func newStatusClient(listen string, within time.Duration) statusClient {
	network, address := "tcp", listen
	if path, ok := unixPath(listen); ok {
		network, address = "unix", path
	}
	return statusClient{listen: listen, http: &http.Client{
		Timeout: within,
		Transport: &http.Transport{
			Proxy: nil,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, network, address)
			},
			DisableKeepAlives: true, // one question, and gone
		},
	}}
}

// get asks for a path and reads the answer into v. The error wraps errNoSocket,
// errNobodyListens or errMayNotAsk where it is one of these.
func (c statusClient) get(ctx context.Context, path string, v any) error {
	return c.do(ctx, http.MethodGet, path, nil, v)
}

// post sends body as JSON to a path and reads the answer into v.
func (c statusClient) post(ctx context.Context, path string, body, v any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return c.do(ctx, http.MethodPost, path, text, v)
}

func (c statusClient) do(ctx context.Context, method, path string, body []byte, v any) error {
	if c.listen == "" {
		return errNoSocket
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer func() { _ = resp.Body.Close() }() // it was read as far as it is wanted
	text, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return fmt.Errorf("%s: the agent's answer broke off: %w", c.listen, err)
	}
	if resp.StatusCode != http.StatusOK {
		return &refusedError{Code: resp.StatusCode, Text: strings.TrimSpace(string(text))}
	}
	return json.Unmarshal(text, v)
}

// unreachable says why nothing was answered.
func (c statusClient) unreachable(err error) error {
	var timeout net.Error
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: %w", c.listen, errNobodyListens)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w", c.listen, errMayNotAsk)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%s: the agent runs and does not answer in time: %w", c.listen, err)
	}
	return fmt.Errorf("%s: %w", c.listen, err)
}

// refusedError is an answer of the agent's other than 200.
type refusedError struct {
	Code int
	Text string
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("the agent refused: %s (HTTP %d)", e.Text, e.Code)
}
