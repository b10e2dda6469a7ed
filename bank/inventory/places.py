"""Places of an organisation, what stands within what, and a device that is put in one."""
