"""Completion of `manage.py connection` for bash and zsh, written from the parser itself."""

from argparse import Action, ArgumentParser, _SubParsersAction

SCRIPT = """\
_switchboard_connection() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} start= action= word
  local -i i
  COMPREPLY=()
  for ((i = 0; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if [[ -n $start && -z $action && $word != -* ]]; then action=$word; fi
    if [[ -z $start && ( $word == connection || $word == */connection ) ]]; then start=$i; fi
  done
  [[ -n $start ]] || return 0
  if [[ -z $action ]]; then
    COMPREPLY=($(compgen -W "{actions}" -- "$cur"))
    return 0
  fi
  case $prev in
    -n|--name)
      local IFS=$'\\n'
      local names=$("${{COMP_WORDS[@]:0:start}}" connection completion names 2>/dev/null)
      COMPREPLY=($(compgen -W "$names" -- "$cur"))
      return 0 ;;
    -f|--file|-o|--output)
      COMPREPLY=($(compgen -f -- "$cur"))
      return 0 ;;
  esac
  case $action in
{cases}
  esac
}}
complete -o filenames -o default -F _switchboard_connection manage.py connection .venv/bin/python
"""
ZSH = "autoload -U +X bashcompinit && bashcompinit\n"


def script(parser: ArgumentParser, shell: str, types: list[str]) -> str:
    """The script for bash or zsh. `types`: what `from-env` takes."""
    actions = next(action for action in parser._actions if isinstance(action, _SubParsersAction))  # noqa: SLF001 argparse shows them nowhere else
    words = {name: _options(one._actions) for name, one in actions.choices.items()}  # noqa: SLF001
    words["from-env"] += types
    words["completion"] += ["bash", "zsh"]
    cases = "\n".join(
        f'    {name}) COMPREPLY=($(compgen -W "{" ".join(found)}" -- "$cur")) ;;'
        for name, found in words.items()
    )
    text = SCRIPT.format(actions=" ".join(actions.choices), cases=cases)
    return ZSH + text if shell == "zsh" else text


def _options(actions: list[Action]) -> list[str]:
    return [
        flag
        for action in actions
        if action.help != "==SUPPRESS=="
        for flag in action.option_strings
    ]
