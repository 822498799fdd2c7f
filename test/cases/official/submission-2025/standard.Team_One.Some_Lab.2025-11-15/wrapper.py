class WRAPPER_CLASS:
    pass
