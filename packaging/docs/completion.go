package main

import (
	"fmt"
	"slices"
	"strings"
)

// completion is what bash reads to complete a posagent command line.
func completion(p program) string {
	var b strings.Builder
	var names []string
	for _, c := range p.commands {
		names = append(names, c.name)
	}
	fmt.Fprintf(&b, `# bash completion for posagent, made from what it says on -h

_posagent() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} flags
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W "%s" -- "$word")
        return
    fi
    case ${COMP_WORDS[1]} in
`, strings.Join(names, " "))
	for _, c := range p.commands {
		flags := []string{"-h"}
		for _, o := range c.flags {
			flags = append(flags, "-"+o.name)
		}
		fmt.Fprintf(&b, "        %s) flags=\"%s\" ;;\n", c.name, strings.Join(flags, " "))
	}
	fmt.Fprintf(&b, `        *) return ;;
    esac
    case "${COMP_WORDS[1]} $before" in
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
				list = append(list, fmt.Sprintf(`"%s -%s"`, c.name, o.name))
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, "|")
}
