package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// stopWithin is how long the agent may take to end once it is told to.
const stopWithin = 5 * time.Second

// child is an agent in a process of its own: this program with the word "run".
type child struct {
	cmd    *exec.Cmd
	exited chan error
}

// startAgent starts an agent on a configuration. Its log goes to a file. It dies
// with this process, whatever happens.
func startAgent(configFile string, log *os.File) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return startProgram([]string{self}, configFile, log)
}

// startProgram is startAgent with an agent that these words start.
func startProgram(program []string, configFile string, log *os.File) (*child, error) {
	words := append(slices.Clone(program), "run", "-config", configFile)
	// Not bound to a context: whether and how it ends is what is being shown.
	cmd := exec.CommandContext(context.Background(), words[0], words[1:]...)
	cmd.Stderr = log
	cmd.Env = append(os.Environ(), sparing()...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the agent: %w", err)
	}
	c := &child{cmd: cmd, exited: make(chan error, 1)}
	go func() { c.exited <- cmd.Wait() }()
	return c, nil
}

// sparing are the settings of memory that the package's unit has, where nobody has
// set others.
func sparing() (list []string) {
	for name, value := range map[string]string{"MALLOC_ARENA_MAX": "1", "GOGC": "50"} {
		if _, set := os.LookupEnv(name); !set {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// kill ends the agent as a power cut would, at once and without a word.
func (c *child) kill() error {
	if err := c.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill the agent: %w", err)
	}
	err := <-c.exited
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("the agent ended by itself: %w", err)
}

// stop ends the agent in order, and says if it does not obey.
func (c *child) stop() error {
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop the agent: %w", err)
	}
	select {
	case err := <-c.exited:
		return err
	case <-time.After(stopWithin):
		return errors.Join(fmt.Errorf("the agent did not end within %v of SIGTERM", stopWithin), c.kill())
	}
}
