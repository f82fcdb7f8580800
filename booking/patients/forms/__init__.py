"""Forms of patients' pages, one module a subject.

A form checks what was typed; it neither saves nor decides, which is what actions do.
"""
