"""Starts a Java program and calls it through py4j, on a loopback port that asks for a token."""

from typing import Any

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway


class JavaProgram:
    """A JVM with a program; it ends by itself when this process does, since it watches its stdin."""

    def __init__(self, jar: str, *, memory_mb: int, folder: str | None = None, options: tuple[str, ...] = ()) -> None:
        """Start it.

        Args:
            jar: path of the program.
            memory_mb: the most that its heap takes; without a limit a JVM takes a quarter of the machine.
            folder: where it runs; None for that of this process.
            options: further ones of the JVM.
        """
        port, token, process = launch_gateway(
            classpath=jar,
            cwd=folder,
            javaopts=[f"-Xmx{memory_mb}m", "-XX:+UseSerialGC", "-XX:-UsePerfData", *options],
            die_on_exit=True,
            enable_auth=True,
            return_proc=True,
        )
        parameters = GatewayParameters(port=port, auth_token=token, auto_field=True)
        self.classes: Any = JavaGateway(gateway_parameters=parameters, java_process=process).jvm
