"""What tools do inside the sandbox: functions of the standard library only, `function(arguments, out) -> dict`.

An answer with the key `error` holds one sentence for the model; everything else was written to `out`.
"""
