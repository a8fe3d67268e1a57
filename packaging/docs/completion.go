package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// completion is what bash reads to complete a posagent command line.
func completion(p program) string {
	below := map[string][]string{}
	for _, c := range p.commands {
		below[c.under] = append(below[c.under], c.name[strings.LastIndex(c.name, " ")+1:])
	}
	var b strings.Builder
	b.WriteString(`# bash completion for posagent, made from what it says on -h

_posagent() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command flags
    local -A below=(
`)
	for _, above := range slices.Sorted(maps.Keys(below)) {
		fmt.Fprintf(&b, "        [%q]=%q\n", strings.TrimRight("posagent "+above, " "), strings.Join(below[above], " "))
	}
	b.WriteString(`    )
    COMPREPLY=()
    command="posagent ${COMP_WORDS[*]:1:1}"
    [ -z "${below["$command"]:-}" ] || command="posagent ${COMP_WORDS[*]:1:2}"
    if [ "$COMP_CWORD" -eq 1 ]; then
        command=posagent
    elif [ "$COMP_CWORD" -eq 2 ] && [ -n "${below["posagent ${COMP_WORDS[*]:1:1}"]:-}" ]; then
        command="posagent ${COMP_WORDS[*]:1:1}"
    fi
    if [ -n "${below["$command"]:-}" ]; then
        mapfile -t COMPREPLY < <(compgen -W "${below["$command"]:-}" -- "$word")
        return
    fi
    case $command in
`)
	for _, c := range p.commands {
		flags := []string{"-h"}
		for _, o := range c.flags {
			flags = append(flags, "-"+o.name)
		}
		fmt.Fprintf(&b, "        %q) flags=%q ;;\n", "posagent "+c.name, strings.Join(flags, " "))
	}
	fmt.Fprintf(&b, `        *) return ;;
    esac
    case "$command $before" in
        %s) ;;
        *)  if [[ $word == -* ]]; then
                mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
                return
            fi ;;
    esac
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
}
complete -F _posagent posagent
`, valued(p))
	return b.String()
}

// valued matches a command and a flag after which a value stands, which may begin
// with "-" and be a file.
func valued(p program) string {
	var list []string
	for _, c := range p.commands {
		for _, o := range c.flags {
			if o.argument != "" {
				list = append(list, fmt.Sprintf(`"posagent %s -%s"`, c.name, o.name))
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}
